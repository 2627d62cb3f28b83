/// The four kinds of asset fingerprints (requirement R5).
public enum FingerprintKind: String, Hashable, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    case listeningPorts, softwareAssets, runningProcesses, accounts

    /// The form in paths and on the command line: `listening-ports`.
    public var slug: String {
        switch self {
        case .listeningPorts: "listening-ports"
        case .softwareAssets: "software-assets"
        case .runningProcesses: "running-processes"
        case .accounts: "accounts"
        }
    }

    public init?(slug: String) {
        guard let kind = Self.allCases.first(where: { $0.slug == slug }) else { return nil }
        self = kind
    }
}
