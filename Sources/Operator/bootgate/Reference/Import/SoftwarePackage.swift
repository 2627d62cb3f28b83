import Foundation
import ReferenceValues

/// The files of a software package, by way of its own tools: no program of this product unpacks archives itself.
enum SoftwarePackage {
    /// Unpacked by dpkg-deb, which notices damage.
    case debian
    /// Unpacked by bsdtar, which takes a damaged package for a short one: rpmkeys compares the package's digests first.
    case rpm

    struct Step {
        var tool: String
        var arguments: [String]
        /// The Debian package that has the tool.
        var from: String
    }

    private func steps(_ package: String, into folder: String) -> [Step] {
        switch self {
        case .debian: [Step(tool: "dpkg-deb", arguments: ["--extract", "--", package, folder], from: "dpkg")]
        case .rpm:
            [
                Step(tool: "rpmkeys", arguments: ["--checksig", "--nosignature", "--", package], from: "rpm"),
                Step(tool: "bsdtar", arguments: ["-x", "-f", package, "-C", folder], from: "libarchive-tools"),
            ]
        }
    }

    /// Folders of the root that a merged `/usr` holds: the kernel then measures `/usr/bin/ls` where the package says
    /// `/bin/ls`.
    private static let merged = ["/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"]

    func files(_ package: String) throws -> (lines: [ReferenceLine], skipped: [String]) {
        guard FileManager.default.isReadableFile(atPath: package) else {
            throw Failure(.malformedInput, "\(package): cannot be read")
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bootgate-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for path in [folder, "\(folder)/files"] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        }
        let file = URL(fileURLWithPath: package).path
        for step in steps(file, into: "\(folder)/files") { _ = try Self.run(step, package) }
        let tree = try FileTree("\(folder)/files", prefix: "")
        let usr = tree.lines.filter { line in Self.merged.contains { line.path.starts(with: $0.utf8) } }
            .map { ReferenceLine(digest: $0.digest, path: Array("/usr".utf8) + $0.path) }
        var lines = tree.lines + usr
        if case .debian = self { lines += try DebianScripts(file, named: package, into: "\(folder)/control").lines }
        return (lines, tree.skipped)
    }

    private static func path(of tool: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(tool)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// - Returns: what the tool printed.
    static func run(_ step: Step, _ package: String) throws -> String {
        guard let tool = path(of: step.tool) else {
            throw Failure(
                .localPrecondition, "\(step.tool) is not here, and nothing else unpacks \(package)",
                nextStep: "install the package \(step.from), or unpack it elsewhere and use --directory")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = step.arguments
        process.standardInput = FileHandle.nullDevice
        // What these tools print is some lines at most: neither pipe fills while the other is read.
        let (printed, errors) = (Pipe(), Pipe())
        process.standardOutput = printed
        process.standardError = errors
        try process.run()
        let text = errors.fileHandleForReading.readDataToEndOfFile()
        let output = printed.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let reason =
                String(decoding: text.prefix(1024), as: UTF8.self).split(separator: "\n").first
                ?? "not a whole package"
            throw Failure(.malformedInput, "\(package): \(step.tool): \(reason)")
        }
        return String(decoding: output, as: UTF8.self)
    }
}
