import Appraisal
import ArgumentParser
import IMAMeasurementList
import ReferenceValues

struct ReferenceImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make or extend a draft's allow-list of files from packages, folders and lists.",
        discussion: """
            Prints the draft with its section runtime: path and SHA-256 of each file. Offline. With --into the section of an
            existing set is extended (a set without one gets the layer runtime, required). Nothing is approved by it.

            A folder stands for a machine's root unless --below says where it lies there. A Debian package is unpacked by
            dpkg-deb; files of /bin, /sbin and /lib are listed under /usr too. Of a Keylime runtime policy, what no rule here
            says exactly (most regular expressions) is left out and named on standard error.

            EXAMPLES
              bootgate reference import --ima-list /sys/kernel/security/ima/binary_runtime_measurements -o json > set.json
              bootgate reference import app --group mec --directory /srv/rootfs -o json > set.json
              bootgate reference import --into set.json --deb agent.deb --keylime-runtime-policy policy.json -o json
            """)
    @Argument(help: "The new set's name.") var name: String?
    @Option(help: "The group that the new set is for.") var group: String?
    @Option(help: "An existing set to extend.") var into: String?
    @Option(name: .customLong("ima-list"), parsing: .upToNextOption, help: "Measurement lists, binary or ASCII.")
    var lists: [String] = []
    @Option(name: .customLong("directory"), parsing: .upToNextOption, help: "Folders.") var directories: [String] = []
    @Option(help: "Where the folders lie on the machine, such as /opt/app.") var below: String = ""
    @Option(name: .customLong("deb"), parsing: .upToNextOption, help: "Debian packages.") var packages: [String] = []
    @Option(name: .customLong("keylime-runtime-policy"), parsing: .upToNextOption, help: "Keylime's JSON.")
    var keylime: [String] = []
    @Option(help: "Entries that a machine's list has at least; 2, or what the set says, when left out.")
    var minimumEntries: Int?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if lists.isEmpty, directories.isEmpty, packages.isEmpty, keylime.isEmpty {
            throw ValidationError("name at least one of --ima-list, --directory, --deb and --keylime-runtime-policy")
        }
        if into != nil, name != nil || group != nil {
            throw ValidationError("--into keeps the set's own name and group")
        }
        if !below.isEmpty, !below.hasPrefix("/") || below.hasSuffix("/") {
            throw ValidationError("--below is a path such as /opt/app")
        }
    }

    func run() throws {
        var allowList = RuntimeAllowList()
        for path in lists { allowList.add(try Self.measured(path)) }
        for path in directories {
            let tree = try FileTree(path, prefix: below)
            allowList.add(tree.lines, skipped: tree.skipped)
        }
        for path in packages {
            let (lines, skipped) = try DebianPackage.files(path)
            allowList.add(lines, skipped: skipped)
        }
        for path in keylime {
            let bytes = try InputFile.readInput(path)
            allowList.add(try reading(path) { try KeylimeRuntimePolicy(parsing: bytes) }, from: path)
        }
        for line in allowList.skipped { StandardError.write("left out: \(line)") }
        let set = try extended(by: allowList)
        let problems = set.lint()
        guard problems.isEmpty else {
            throw Failure(.malformedInput, problems.map(\.description).joined(separator: "\n"))
        }
        try output.write(set) { ReferenceSetText.text(set) }
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

    private func extended(by allowList: RuntimeAllowList) throws -> ReferenceSet {
        var set: ReferenceSet
        if let into {
            let bytes = try InputFile.readInput(into)
            set = try reading(into) { try ReferenceSet(parsing: bytes) }
        } else {
            set = ReferenceSet(
                name: name ?? "imported", group: group ?? "default", provenance: [], banks: ["sha256"],
                layers: [ReferenceSet.LayerRule(id: .tpmIdentity)], pcrs: [])
        }
        if !set.layers.contains(where: { $0.id == LayerID.runtime.rawValue }) {
            set.layers.append(ReferenceSet.LayerRule(id: .runtime))
            set.pcrs.removeAll { $0.pcr == LayerID.measurementListPCR }
        }
        set.provenance += lists + directories + packages + keylime
        set.runtime = allowList.merged(into: set.runtime)
        if let minimumEntries { set.runtime?.minimumEntries = minimumEntries }
        return set
    }
}
