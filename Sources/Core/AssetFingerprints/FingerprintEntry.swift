/// One thing that a report lists.
public protocol FingerprintEntry: Hashable, Sendable, Codable {
    static var kind: FingerprintKind { get }
    /// What people call it and what allow rules match: `tcp/0.0.0.0:22`. Entries may share a key.
    var key: String { get }
    /// Its members in canonical order; names are the JSON keys.
    var fields: [FingerprintField] { get }
}

public struct FingerprintField: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        case text(String)
        case number(UInt64)
        case list([String])
    }
    public let name: String
    public let value: Value

    init(_ name: String, _ value: String) { (self.name, self.value) = (name, .text(value)) }
    init(_ name: String, _ value: some BinaryInteger) { (self.name, self.value) = (name, .number(UInt64(value))) }
    init(_ name: String, _ value: [String]) { (self.name, self.value) = (name, .list(value)) }
}

/// A socket that takes connections (TCP) or datagrams from anybody (UDP, not connected).
///
/// A socket that several processes hold gives an entry for each different process.
public struct ListeningPort: FingerprintEntry {
    public static let kind = FingerprintKind.listeningPorts

    public enum TransportProtocol: String, Hashable, Sendable, Codable { case tcp, udp }
    public let `protocol`: TransportProtocol
    /// As ss(8) writes it: `0.0.0.0`, `::`, `127.0.0.1`.
    public let address: String
    public let port: UInt16
    /// Name of the owning process, empty where the collector may not see it.
    public let process: String
    /// Path of its executable, empty where unknown.
    public let executable: String
    /// Account that owns the socket: its name, or the number where it has none.
    public let user: String

    public init(
        protocol: TransportProtocol, address: String, port: UInt16, process: String, executable: String, user: String
    ) {
        self.protocol = `protocol`
        self.address = address
        self.port = port
        self.process = process
        self.executable = executable
        self.user = user
    }

    public var key: String {
        "\(self.protocol.rawValue)/" + (address.contains(":") ? "[\(address)]" : address) + ":\(port)"
    }
    public var fields: [FingerprintField] {
        [
            FingerprintField("protocol", self.protocol.rawValue), FingerprintField("address", address),
            FingerprintField("port", port), FingerprintField("process", process),
            FingerprintField("executable", executable), FingerprintField("user", user),
        ]
    }
}

/// An installed package of dpkg.
public struct SoftwareAsset: FingerprintEntry {
    public static let kind = FingerprintKind.softwareAssets
    public let name: String
    public let version: String
    public let architecture: String

    public init(name: String, version: String, architecture: String) {
        self.name = name
        self.version = version
        self.architecture = architecture
    }

    public var key: String { "\(name):\(architecture)" }
    public var fields: [FingerprintField] {
        [
            FingerprintField("name", name), FingerprintField("version", version),
            FingerprintField("architecture", architecture),
        ]
    }
}

/// A program that runs under an account. Neither process ids, counts nor arguments are part of it: they change while
/// the same programs run, and arguments may hold secrets. Kernel threads have no executable and are left out.
public struct RunningProcess: FingerprintEntry {
    public static let kind = FingerprintKind.runningProcesses
    /// As the kernel gives it, with ` (deleted)` when the file was replaced or removed since it was started.
    public let executable: String
    public let user: String

    public init(executable: String, user: String) {
        self.executable = executable
        self.user = user
    }

    public var key: String { "\(executable) as \(user)" }
    public var fields: [FingerprintField] {
        [FingerprintField("executable", executable), FingerprintField("user", user)]
    }
}
