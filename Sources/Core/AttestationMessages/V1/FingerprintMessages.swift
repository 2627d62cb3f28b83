public import AssetFingerprints

public struct FingerprintView: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    public var kind: FingerprintKind
    public var sha256: String
    public var collectedAtMilliseconds: Int64
    public var receivedAtMilliseconds: Int64
    /// The canonical bytes of the report.
    public var report: WireBytes
    public init(
        nodeID: NodeID, kind: FingerprintKind, sha256: String, collectedAtMilliseconds: Int64,
        receivedAtMilliseconds: Int64, report: WireBytes
    ) {
        self.nodeID = nodeID
        self.kind = kind
        self.sha256 = sha256
        self.collectedAtMilliseconds = collectedAtMilliseconds
        self.receivedAtMilliseconds = receivedAtMilliseconds
        self.report = report
    }
}

/// The approved baseline of a group for one kind: proposed by one operator, approved by another, like references.
public struct FingerprintBaselineView: Hashable, Sendable, Codable {
    public var group: String
    public var kind: FingerprintKind
    public var version: Int
    public var status: ReferenceStatus
    public var documentSHA256: String
    public var document: WireBytes
    public var proposedBy: String
    public var approvedBy: String?
    public var labMode: Bool
    public init(
        group: String, kind: FingerprintKind, version: Int, status: ReferenceStatus, documentSHA256: String,
        document: WireBytes, proposedBy: String, approvedBy: String?, labMode: Bool
    ) {
        self.group = group
        self.kind = kind
        self.version = version
        self.status = status
        self.documentSHA256 = documentSHA256
        self.document = document
        self.proposedBy = proposedBy
        self.approvedBy = approvedBy
        self.labMode = labMode
    }
}

/// `POST /v1/groups/{group}/baselines/{kind}`: from a document or from one node's last report plus allow rules.
public struct FingerprintBaselineRequest: Hashable, Sendable, Codable {
    public var document: WireBytes?
    public var fromNode: NodeID?
    /// Glob patterns over an entry's key that are allowed to differ.
    public var allow: [String]
    public init(document: WireBytes?, fromNode: NodeID?, allow: [String]) {
        self.document = document
        self.fromNode = fromNode
        self.allow = allow
    }
}

/// `GET` and `PUT /v1/groups/{group}/settings`: what is set centrally for a group. The group `default` holds for nodes
/// without one.
public struct GroupSettings: Hashable, Sendable, Codable {
    public var fingerprintIntervals: [FingerprintKind: Int]
    public var attestationIntervalSeconds: Int
    public var requiredLayers: [String]
    /// Layers where a warning still passes.
    public var warningPassesIn: [String]
    /// What a difference to an approved fingerprint baseline does: `warn` or `deny`.
    public var fingerprintDifference: String
    /// What a dbx or SBAT level older than the imported feed does: `warn` (also when left out) or `fail`.
    public var staleRevocations: String?

    public init(
        fingerprintIntervals: [FingerprintKind: Int], attestationIntervalSeconds: Int, requiredLayers: [String],
        warningPassesIn: [String], fingerprintDifference: String, staleRevocations: String? = nil
    ) {
        self.staleRevocations = staleRevocations
        self.fingerprintIntervals = fingerprintIntervals
        self.attestationIntervalSeconds = attestationIntervalSeconds
        self.requiredLayers = requiredLayers
        self.warningPassesIn = warningPassesIn
        self.fingerprintDifference = fingerprintDifference
    }
}
