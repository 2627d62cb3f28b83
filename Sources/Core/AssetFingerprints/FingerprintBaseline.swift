internal import JSONCoding

/// What a group's nodes are expected to report of one kind: entries, and rules for keys that may differ.
///
/// The document is JSON: the members of a report (`kind`, `version`, `entries`, in any order) and `allow`, a list of
/// patterns (``AllowRule``). Unknown members are refused: a misspelt one would silently loosen or tighten the baseline.
public struct FingerprintBaseline: Hashable, Sendable {
    public static let maxRules = 1_000

    public let report: FingerprintReport
    public let allow: [AllowRule]
    public var kind: FingerprintKind { report.kind }

    public init(report: FingerprintReport, allow: [AllowRule]) throws(FingerprintError) {
        guard allow.count <= Self.maxRules else {
            throw .tooLarge(what: "allow rules", count: allow.count, limit: Self.maxRules)
        }
        self.report = report
        self.allow = allow
    }

    /// A baseline that expects what a node reported, with rules as operators write them.
    public init(report: FingerprintReport, allow patterns: [String]) throws(FingerprintError) {
        guard patterns.count <= Self.maxRules else {
            throw .tooLarge(what: "allow rules", count: patterns.count, limit: Self.maxRules)
        }
        var rules: [AllowRule] = []
        for pattern in patterns { rules.append(try AllowRule(pattern)) }
        try self.init(report: report, allow: rules)
    }

    /// Reads a document of this kind as operators upload it.
    public init(document bytes: [UInt8], kind: FingerprintKind) throws(FingerprintError) {
        switch kind {
        case .listeningPorts:
            try self.init(Self.decode(bytes) as FingerprintDocument<ListeningPort>) { FingerprintReport($0) }
        case .softwareAssets:
            try self.init(Self.decode(bytes) as FingerprintDocument<SoftwareAsset>) { FingerprintReport($0) }
        case .runningProcesses:
            try self.init(Self.decode(bytes) as FingerprintDocument<RunningProcess>) { FingerprintReport($0) }
        case .accounts: try self.init(Self.decode(bytes) as FingerprintDocument<Account>) { FingerprintReport($0) }
        }
    }

    private init<Entry: FingerprintEntry>(
        _ document: FingerprintDocument<Entry>, _ makeReport: ([Entry]) -> FingerprintReport
    ) throws(FingerprintError) {
        try self.init(report: makeReport(document.checkedEntries()), allow: document.allow ?? [])
    }

    private static func decode<Entry>(_ bytes: [UInt8]) throws(FingerprintError) -> FingerprintDocument<Entry> {
        do {
            return try StrictJSON.decode(
                FingerprintDocument<Entry>.self, from: bytes, limits: FingerprintReport.jsonLimits,
                unknownKeys: .refused)
        } catch {
            throw FingerprintError(error)
        }
    }

    /// The document's one byte form.
    public var document: [UInt8] {
        var bytes = Array(report.canonicalBytes.dropLast(2))
        bytes += Array(",\n\"allow\":".utf8)
        CanonicalJSON.write(allow.map(\.pattern), to: &bytes)
        return bytes + [UInt8(ascii: "}"), 0x0A]
    }

    /// Every difference that no rule allows. A report of another kind differs in everything.
    public func differences(of seen: FingerprintReport) -> [FingerprintDifference] {
        report.differences(to: seen).filter { difference in !allow.contains { $0.matches(difference.key) } }
    }
}

/// Every difference between a report and an approved baseline that no allow rule covers.
public func compare(_ report: FingerprintReport, _ baseline: FingerprintBaseline) -> [FingerprintDifference] {
    baseline.differences(of: report)
}
