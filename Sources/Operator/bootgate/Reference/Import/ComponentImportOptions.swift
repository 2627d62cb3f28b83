import ArgumentParser
import BootPrediction
import Glibc
import ReferenceValues

/// `reference import` of boot components: they become alternatives of the set's rules for registers.
struct ComponentImportOptions: ParsableArguments {
    @Option(parsing: .upToNextOption, help: "Files and folders with boot components.") var components: [String] = []
    @Option(help: "Keylime's measured boot reference state.") var keylimeMbRefstate: String?

    var isEmpty: Bool { components.isEmpty && keylimeMbRefstate == nil }

    /// Adds the components to a set, or makes one of them alone; what does not carry over goes to standard error.
    func draft(into base: ReferenceSet?, name: String, group: String) throws -> ReferenceSet {
        var found: [BootComponent] = []
        var left: [String] = []
        for path in try components.flatMap(Self.files) {
            let content = try InputFile.read(path: path)
            found += try reading(path) { try BootComponent.components(path: path, content: content) }
        }
        if let path = keylimeMbRefstate {
            let bytes = try InputFile.readInput(path)
            let state = try reading(path) { try BootComponent.keylime(parsing: bytes) }
            found += state.components
            left += state.left
        }
        guard !found.isEmpty else {
            throw Failure(.verdictError, (["no boot component found"] + left).joined(separator: "\n"))
        }
        let sources = components + [keylimeMbRefstate].compactMap { $0 }
        let provenance = ["imported from \(sources.joined(separator: ", "))"]
        let draft: ReferenceSet
        if let base {
            let result = ComponentImport.add(found, to: base, provenance: provenance)
            draft = result.set
            left += result.left
        } else {
            guard let set = ComponentImport.draft(name: name, group: group, found, provenance: provenance) else {
                throw Failure(
                    .verdictError,
                    "none of the components alone makes a set: --into names one to which they are added")
            }
            draft = set
            left += found.filter { [.kernelFile, .initrd, .commandLine, .image, .file].contains($0.role) }.map {
                "\($0.name): a \($0.role.rawValue) needs a set with its register's other events (--into)"
            }
        }
        for line in left { StandardError.write("left out: \(line)") }
        return draft
    }

    /// More files than a package has are a mistaken folder.
    private static let maximumFiles = 20_000

    /// The boot components below a folder, by their names, sorted; a file is itself.
    private static func files(_ path: String) throws -> [String] {
        if path.hasSuffix(".deb") || path.hasSuffix(".rpm") {
            throw Failure(.usage, "\(path): unpack the package first (dpkg-deb -x \(path) DIR) and name the folder")
        }
        var result: [String] = []
        var folders = [path]
        var seen = 0
        while let folder = folders.popLast() {
            guard let directory = unsafe opendir(folder) else {
                guard errno == ENOTDIR else {
                    throw Failure(.malformedInput, "\(folder): \(unsafe String(cString: strerror(errno)))")
                }
                return [path]
            }
            defer { unsafe closedir(directory) }
            while let entry = unsafe readdir(directory) {
                seen += 1
                guard seen <= maximumFiles else { throw Failure(.usage, "\(path): more than \(maximumFiles) entries") }
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                let type = unsafe Int32(entry.pointee.d_type)
                let own = "\(folder)/\(name)"
                // Symbolic links are not followed: they lead out of a package.
                if type == Int32(DT_DIR) { folders.append(own) }
                let isComponent = ["vmlinuz", "vmlinux", "initrd", "initramfs"].contains(where: name.hasPrefix)
                if type == Int32(DT_REG), isComponent || name.lowercased().contains(".efi") { result.append(own) }
            }
        }
        return result.sorted()
    }
}
