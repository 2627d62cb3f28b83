internal import JSONCoding

/// What one collector saw on a node, in canonical form. Self-reported: it shows drift, it never proves identity.
///
/// Guarantees: entries are sorted and distinct, the same content always has the same bytes, and decoding accepts those
/// bytes only. The digest of the bytes is taken elsewhere.
public struct FingerprintReport: Hashable, Sendable {
    /// Bytes of a whole report: a Debian system with 20,000 packages has about 2 MB.
    public static let maxBytes = 8 << 20
    public static let maxEntries = 100_000
    public static let version = 1

    public enum Entries: Sendable {
        case listeningPorts([ListeningPort])
        case softwareAssets([SoftwareAsset])
        case runningProcesses([RunningProcess])
        case accounts([Account])
    }

    public let kind: FingerprintKind
    public let entries: Entries
    /// What is hashed into the quote and sent: UTF-8 JSON, one entry a line.
    public let canonicalBytes: [UInt8]

    public init(_ ports: [ListeningPort]) { self.init(ports, Entries.listeningPorts) }
    public init(_ assets: [SoftwareAsset]) { self.init(assets, Entries.softwareAssets) }
    public init(_ processes: [RunningProcess]) { self.init(processes, Entries.runningProcesses) }
    public init(_ accounts: [Account]) { self.init(accounts, Entries.accounts) }

    private init<Entry: FingerprintEntry>(_ list: [Entry], _ wrap: ([Entry]) -> Entries) {
        // By bytes, not by String: Swift compares strings by canonical equivalence, under which two accounts could be one.
        var lines: [(line: [UInt8], entry: Entry)] = []
        for item in list.map({ (CanonicalJSON.line($0), $0) }).sorted(by: { $0.0.lexicographicallyPrecedes($1.0) }) {
            if lines.last?.line != item.0 { lines.append((item.0, item.1)) }
        }
        kind = Entry.kind
        entries = wrap(lines.map(\.entry))
        var bytes = Array("{\"kind\":\"\(Entry.kind.rawValue)\",\"version\":\(Self.version),\"entries\":".utf8)
        CanonicalJSON.write(lines: lines.map(\.line), to: &bytes)
        bytes += [UInt8(ascii: "}"), 0x0A]
        canonicalBytes = bytes
    }

    /// Reads the canonical bytes of a report of this kind and nothing else.
    ///
    /// - Throws: ``FingerprintError``: too many bytes or entries, no strict JSON, another kind or version, a member that is
    ///   missing or out of its range, or bytes that are not the canonical ones of their content.
    public init(canonicalBytes bytes: [UInt8], kind: FingerprintKind) throws(FingerprintError) {
        guard bytes.count <= Self.maxBytes else {
            throw .tooLarge(what: "bytes", count: bytes.count, limit: Self.maxBytes)
        }
        let report =
            switch kind {
            case .listeningPorts: FingerprintReport(try Self.decode([ListeningPort].self, bytes))
            case .softwareAssets: FingerprintReport(try Self.decode([SoftwareAsset].self, bytes))
            case .runningProcesses: FingerprintReport(try Self.decode([RunningProcess].self, bytes))
            case .accounts: FingerprintReport(try Self.decode([Account].self, bytes))
            }
        guard report.canonicalBytes == bytes else {
            let common = zip(report.canonicalBytes, bytes).prefix { $0 == $1 }.count
            throw .notCanonical(offset: common)
        }
        self = report
    }

    private static func decode<Entry: FingerprintEntry>(
        _ type: [Entry].Type, _ bytes: [UInt8]
    ) throws(FingerprintError) -> [Entry] {
        let document: FingerprintDocument<Entry>
        do {
            document = try StrictJSON.decode(FingerprintDocument<Entry>.self, from: bytes, limits: Self.jsonLimits)
        } catch {
            throw FingerprintError(error)
        }
        return try document.checkedEntries()
    }

    static let jsonLimits = StrictJSONLimits(
        maxBytes: maxBytes, maxDepth: 6, maxValues: 2_000_000, maxStringBytes: 65_536)

    public static func == (left: Self, right: Self) -> Bool { left.canonicalBytes == right.canonicalBytes }
    public func hash(into hasher: inout Hasher) { hasher.combine(canonicalBytes) }

    /// Every entry as its key and its canonical line, in canonical order.
    public var keyedLines: [(key: String, line: String)] {
        func list(_ entries: [some FingerprintEntry]) -> [(key: String, line: String)] {
            entries.map { ($0.key, String(decoding: CanonicalJSON.line($0), as: UTF8.self)) }
        }
        return switch entries {
        case .listeningPorts(let ports): list(ports)
        case .softwareAssets(let assets): list(assets)
        case .runningProcesses(let processes): list(processes)
        case .accounts(let accounts): list(accounts)
        }
    }

    /// The document of `bootgate-agent capture --fingerprints-only -o json`: an object with one list for each report, named
    /// by its kind, in the order of ``FingerprintKind``.
    public static func captureDocument(_ reports: [FingerprintReport]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        let ordered = FingerprintKind.allCases.compactMap { kind in reports.last { $0.kind == kind } }
        for (index, report) in ordered.enumerated() {
            if index > 0 { bytes += [UInt8(ascii: ","), 0x0A] }
            CanonicalJSON.write(report.kind.rawValue, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            CanonicalJSON.write(lines: report.keyedLines.map { Array($0.line.utf8) }, to: &bytes)
        }
        return bytes + [UInt8(ascii: "}"), 0x0A]
    }
}

/// The members that reports and baselines share.
struct FingerprintDocument<Entry: FingerprintEntry>: Codable {
    let kind: String
    let version: Int
    let entries: [Entry]
    let allow: [String]?

    func checkedEntries() throws(FingerprintError) -> [Entry] {
        guard kind == Entry.kind.rawValue else { throw .unexpected(field: "kind", value: kind) }
        guard version == FingerprintReport.version else {
            throw .unexpected(field: "version", value: String(version))
        }
        guard entries.count <= FingerprintReport.maxEntries else {
            throw .tooLarge(what: "entries", count: entries.count, limit: FingerprintReport.maxEntries)
        }
        return entries
    }
}
