import Foundation
import ReferenceValues

/// The files of a Debian package, by way of `dpkg-deb`: no program of this product unpacks archives itself.
enum DebianPackage {
    /// Folders of the root that a merged `/usr` holds: the kernel then measures `/usr/bin/ls` where the package says
    /// `/bin/ls`.
    private static let merged = ["/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"]

    static func files(_ package: String) throws -> (lines: [ReferenceLine], skipped: [String]) {
        guard FileManager.default.isReadableFile(atPath: package) else {
            throw Failure(.malformedInput, "\(package): cannot be read")
        }
        guard let tool = tool("dpkg-deb") else {
            throw Failure(
                .localPrecondition, "dpkg-deb is not here, and nothing else unpacks \(package)",
                nextStep: "install the package dpkg, or unpack it elsewhere and use --directory")
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bootgate-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try run(tool, ["--extract", "--", package, folder], package)
        let tree = try FileTree(folder, prefix: "")
        let usr = tree.lines.filter { line in merged.contains { line.path.starts(with: $0.utf8) } }
            .map { ReferenceLine(digest: $0.digest, path: Array("/usr".utf8) + $0.path) }
        return (tree.lines + usr, tree.skipped)
    }

    private static func tool(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func run(_ tool: String, _ arguments: [String], _ package: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let reason =
                String(decoding: text.prefix(1024), as: UTF8.self).split(separator: "\n").first ?? "no reason given"
            throw Failure(.malformedInput, "\(package): dpkg-deb: \(reason)")
        }
    }
}
