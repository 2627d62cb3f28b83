import Appraisal
import ArgumentParser
import IMAMeasurementList
import ReferenceValues

/// `reference import` of files that a machine may run: they go into the set's section `runtime`.
struct FileImport: ParsableArguments {
    @Option(name: .customLong("ima-list"), parsing: .upToNextOption, help: "Measurement lists, binary or ASCII.")
    var lists: [String] = []
    @Option(name: .customLong("directory"), parsing: .upToNextOption, help: "Folders.") var directories: [String] = []
    @Option(help: "Where the folders lie on the machine, such as /opt/app.") var below: String = ""
    @Option(name: .customLong("deb"), parsing: .upToNextOption, help: "Debian packages.") var packages: [String] = []
    @Option(name: .customLong("rpm"), parsing: .upToNextOption, help: "RPM packages.") var rpms: [String] = []
    @Option(name: .customLong("keylime-runtime-policy"), parsing: .upToNextOption, help: "Keylime's JSON.")
    var keylime: [String] = []
    @Option(help: "Entries that a machine's list has at least; 2, or what the set says, when left out.")
    var minimumEntries: Int?

    var isEmpty: Bool {
        lists.isEmpty && directories.isEmpty && packages.isEmpty && rpms.isEmpty && keylime.isEmpty
    }

    func validate() throws {
        if !below.isEmpty, !below.hasPrefix("/") || below.hasSuffix("/") {
            throw ValidationError("--below is a path such as /opt/app")
        }
    }

    /// Adds the files to a set; a set without the layer `runtime` gets it, required.
    func add(to set: inout ReferenceSet) throws {
        var allowList = RuntimeAllowList()
        for path in lists { allowList.add(try Self.measured(path)) }
        for path in directories {
            let tree = try FileTree(path, prefix: below)
            allowList.add(tree.lines, skipped: tree.skipped)
        }
        let software = packages.map { (SoftwarePackage.debian, $0) } + rpms.map { (SoftwarePackage.rpm, $0) }
        for (kind, path) in software {
            let (lines, skipped) = try kind.files(path)
            allowList.add(lines, skipped: skipped)
        }
        for path in keylime {
            let bytes = try InputFile.readInput(path)
            allowList.add(try reading(path) { try KeylimeRuntimePolicy(parsing: bytes) }, from: path)
        }
        for line in allowList.skipped { StandardError.write("left out: \(line)") }
        if !set.layers.contains(where: { $0.id == LayerID.runtime.rawValue }) {
            set.layers.append(ReferenceSet.LayerRule(id: .runtime))
            set.pcrs.removeAll { $0.pcr == LayerID.measurementListPCR }
        }
        set.provenance += lists + directories + packages + rpms + keylime
        set.runtime = allowList.merged(into: set.runtime)
        if let minimumEntries { set.runtime?.minimumEntries = minimumEntries }
    }

    /// What a list says was measured; no quote says that it is true.
    private static func measured(_ path: String) throws -> [RuntimeEntry] {
        let bytes = try InputFile.readInput(path)
        var entries: [RuntimeEntry] = []
        do throws(IMAListError) {
            var parser = IMAListParser()
            try parser.append(bytes.span) { entries.append(RuntimeEntry($0)) }
            try parser.finish { entries.append(RuntimeEntry($0)) }
        } catch {
            throw Failure(.malformedInput, "\(path): \(error)")
        }
        return entries
    }
}
