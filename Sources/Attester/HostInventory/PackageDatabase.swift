internal import AssetFingerprints

/// dpkg's database `/var/lib/dpkg/status` (deb-control(5) paragraphs), read as a stream.
struct PackageDatabase {
    static let path = "/var/lib/dpkg/status"
    static let maxBytes = 512 << 20
    static let maxPackages = 100_000

    let files: HostFiles

    /// Packages of which files are on the disk: every state but `not-installed` and `config-files`. Empty where dpkg has no
    /// database.
    func packages() throws(HostInventoryError) -> [SoftwareAsset] {
        var packages: [SoftwareAsset] = []
        var paragraph = Paragraph()
        _ = try files.forEachLine(of: Self.path, maxBytes: Self.maxBytes, maxLine: 4_096) {
            (line) throws(HostInventoryError) in
            if !line.isEmpty { return paragraph.read(line) }
            if let package = paragraph.package { packages.append(package) }
            paragraph = Paragraph()
            guard packages.count <= Self.maxPackages else { throw .tooLarge(path: Self.path, limit: Self.maxPackages) }
        }
        if let package = paragraph.package { packages.append(package) }
        return packages
    }

    struct Paragraph {
        private var name = ""
        private var version = ""
        private var architecture = ""
        private var state = ""

        init() {}

        mutating func read(_ line: [UInt8]) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), let first = line.first, first != 0x20,
                first != 0x09
            else { return }
            func value() -> String {
                String(decoding: line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
            }
            // Field names are not case-sensitive; dpkg writes them like this.
            switch String(decoding: line[..<colon], as: UTF8.self) {
            case "Package": name = value()
            case "Version": version = value()
            case "Architecture": architecture = value()
            // Want, error flag, state.
            case "Status": state = value().split(separator: " ").last.map(String.init) ?? ""
            default: break
            }
        }

        var package: SoftwareAsset? {
            guard !name.isEmpty, !["", "not-installed", "config-files"].contains(state) else { return nil }
            return SoftwareAsset(name: name, version: version, architecture: architecture)
        }
    }
}
