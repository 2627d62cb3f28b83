/// How loud an alarm is. Levels of the attack catalogue: A:C, A:H, A:M, A:L; `info` is for changes that are no alarm.
public enum SecurityEventSeverity: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    case info, low, medium, high, critical

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

/// One thing the operator's SIEM must hear of. Written in the transaction that changed the state; its id never changes.
public struct SecurityEvent: Hashable, Sendable, Codable {
    /// Unique and stable over redelivery.
    public var uniqueID: String
    /// Position in the outbox: the order of delivery.
    public var sequence: Int64
    /// Stable code: a reason code of the attack catalogue, or one of ``SecurityEventID``.
    public var eventID: String
    public var severity: SecurityEventSeverity
    /// `success`, `failure` or `unknown`.
    public var outcome: String
    /// Milliseconds since 1970, the verifier's clock; never the node's.
    public var atMilliseconds: Int64
    public var node: String?
    public var site: String?
    public var actor: String?
    /// One sentence for a person. May hold text from nodes: encoders escape it.
    public var message: String
    /// Further fields; values may hold text from nodes.
    public var fields: [String: String]

    public init(
        uniqueID: String, sequence: Int64, eventID: String, severity: SecurityEventSeverity, outcome: String,
        atMilliseconds: Int64, node: String?, site: String?, actor: String?, message: String,
        fields: [String: String]
    ) {
        self.uniqueID = uniqueID
        self.sequence = sequence
        self.eventID = eventID
        self.severity = severity
        self.outcome = outcome
        self.atMilliseconds = atMilliseconds
        self.node = node
        self.site = site
        self.actor = actor
        self.message = message
        self.fields = fields
    }
}

/// Events that are no reason code of a verdict.
public enum SecurityEventID {
    public static let nodeEnrolled = "NODE_ENROLLED"
    public static let nodePending = "NODE_PENDING"
    public static let nodeApproved = "NODE_APPROVED"
    public static let nodeTrusted = "NODE_TRUSTED"
    public static let nodeUntrusted = "NODE_UNTRUSTED"
    public static let nodeStale = "ADM_STALE"
    public static let nodeSuspended = "NODE_SUSPENDED"
    public static let nodeResumed = "NODE_RESUMED"
    public static let nodeRevoked = "ID_NODE_REVOKED"
    public static let nodeCleared = "NODE_CLEARED"
    public static let nodeRemoved = "NODE_REMOVED"
    public static let tpmReplaced = "NODE_TPM_REPLACED"
    public static let bootNew = "BOOT_NEW"
    public static let bootUnexpected = "BOOT_UNEXPECTED"
    public static let revocationsChanged = "REVOCATIONS_CHANGED"
    public static let bootAnnounced = "BOOT_ANNOUNCED"
    public static let referenceChanged = "REF_CHANGED"
    public static let fingerprintChanged = "FP_CHANGED"
    public static let baselineChanged = "FP_BASELINE_CHANGED"
    public static let operatorChanged = "OPERATOR_CHANGED"
    public static let operatorRefused = "API_ROLE"
    public static let siemTest = "SIEM_TEST"
    public static let verifierStarted = "VERIFIER_STARTED"
}
