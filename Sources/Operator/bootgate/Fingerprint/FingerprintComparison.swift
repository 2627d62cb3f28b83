import AssetFingerprints
import AttestationMessages

/// What `fingerprint diff` prints; every word of the entries is the node's own.
struct FingerprintComparison: Encodable {
    /// The other side: a baseline (group, version, status) or an earlier report (its time).
    struct Other: Encodable {
        var what: String
        var sha256: String
        var group: String?
        var version: Int?
        var status: String?
        var receivedAtMilliseconds: Int64?

        init(_ baseline: FingerprintBaselineView) {
            what = "baseline"
            sha256 = baseline.documentSHA256
            group = baseline.group
            version = baseline.version
            status = baseline.status.rawValue
        }

        init(_ report: FingerprintView) {
            what = "previous"
            sha256 = report.sha256
            receivedAtMilliseconds = report.receivedAtMilliseconds
        }

        var text: String {
            if let group, let version, let status {
                let force = status == ReferenceStatus.active.rawValue ? "" : ", not in force"
                return "baseline of group \(group), version \(version) (\(status)\(force)), SHA-256 \(sha256)"
            }
            return "report received \(receivedAtMilliseconds.map(Timestamp.withAge) ?? "earlier"), SHA-256 \(sha256)"
        }
    }

    struct Difference: Encodable {
        var change: String
        var key: String
        /// Canonical JSON of the entries with this key, on each side.
        var expected: [String]
        var seen: [String]

        init(_ difference: FingerprintDifference) {
            change = difference.change.rawValue
            key = difference.key
            expected = difference.expected
            seen = difference.seen
        }
    }

    var nodeID: NodeID
    var kind: FingerprintKind
    var sha256: String
    var receivedAtMilliseconds: Int64
    var against: Other
    var differences: [Difference]

    init(_ view: FingerprintView, _ other: Other, _ differences: [Difference]) {
        nodeID = view.nodeID
        kind = view.kind
        sha256 = view.sha256
        receivedAtMilliseconds = view.receivedAtMilliseconds
        against = other
        self.differences = differences
    }

    var text: String {
        var fields = FieldList()
        fields.add("Node, kind", "\(nodeID), \(kind.slug)")
        fields.add("Report", "received \(Timestamp.withAge(receivedAtMilliseconds)), SHA-256 \(sha256)")
        fields.add("Against", against.text)
        guard !differences.isEmpty else { return fields.text + "\n\nno difference" }
        var table = TextTable("CHANGE", "KEY", "EXPECTED", "SEEN")
        for difference in differences {
            table.add(
                difference.change, difference.key, Self.cell(difference.expected), Self.cell(difference.seen))
        }
        return fields.text + "\n\n" + table.text
    }

    private static func cell(_ lines: [String]) -> String? { lines.isEmpty ? nil : lines.joined(separator: " ") }
}
