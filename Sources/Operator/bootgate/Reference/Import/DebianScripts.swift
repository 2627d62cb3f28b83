import ReferenceValues

/// The maintainer's scripts of a Debian package, which dpkg runs as root while it installs, upgrades and removes: a machine
/// that measures what runs measures them too.
struct DebianScripts {
    /// Each at every path from which dpkg runs it (dpkg 1.21, src/main/script.c): beside the package's other control files
    /// while it is unpacked, and under the package's name from then on.
    let lines: [ReferenceLine]

    /// Of deb-preinst(5), deb-postinst(5), deb-prerm(5), deb-postrm(5) and debconf-devel(7).
    private static let names: Set = ["preinst", "postinst", "prerm", "postrm", "config"]

    /// - Parameters:
    ///   - named: what errors call the package.
    ///   - folder: made, and left, with the package's control files.
    init(_ package: String, named: String, into folder: String) throws {
        func tool(_ arguments: [String]) throws -> String {
            try SoftwarePackage.run(.init(tool: "dpkg-deb", arguments: arguments, from: "dpkg"), named)
        }
        _ = try tool(["--control", "--", package, folder])
        let fields = try tool(["--show", "--showformat=${Package}\n${Architecture}\n${Multi-Arch}\n", "--", package])
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard fields.count >= 3, !fields[0].isEmpty else {
            throw Failure(.malformedInput, "\(named): no package's name in its control file")
        }
        // Several architectures of such a package may be installed at once.
        let owner = fields[2] == "same" ? "\(fields[0]):\(fields[1])" : "\(fields[0])"
        lines = try FileTree(folder, prefix: "").lines.flatMap { line -> [ReferenceLine] in
            let name = String(decoding: line.path.dropFirst(), as: UTF8.self)
            guard Self.names.contains(name) else { return [] }
            return ["/var/lib/dpkg/tmp.ci/\(name)", "/var/lib/dpkg/info/\(owner).\(name)"]
                .map { ReferenceLine(digest: line.digest, path: Array($0.utf8)) }
        }
    }
}
