public struct AlarmView: Hashable, Sendable, Codable {
    public var alarmID: String
    /// Reason code of the attack catalogue or of SecurityEvents.
    public var eventID: String
    public var severity: String
    public var nodeID: String?
    public var message: String
    public var detail: [String: String]
    public var atMilliseconds: Int64
    /// Occurrences folded into this alarm.
    public var count: Int
    public var acknowledgedBy: String?
    public var acknowledgedAtMilliseconds: Int64?
    public init(
        alarmID: String, eventID: String, severity: String, nodeID: String?, message: String,
        detail: [String: String], atMilliseconds: Int64, count: Int, acknowledgedBy: String?,
        acknowledgedAtMilliseconds: Int64?
    ) {
        self.alarmID = alarmID
        self.eventID = eventID
        self.severity = severity
        self.nodeID = nodeID
        self.message = message
        self.detail = detail
        self.atMilliseconds = atMilliseconds
        self.count = count
        self.acknowledgedBy = acknowledgedBy
        self.acknowledgedAtMilliseconds = acknowledgedAtMilliseconds
    }
}

public struct SIEMDestinationView: Hashable, Sendable, Codable {
    public var name: String
    /// `syslog-tls` or `json-lines`.
    public var kind: String
    public var target: String
    public var backlog: Int
    public var oldestUndeliveredAtMilliseconds: Int64?
    public var lastDeliveredAtMilliseconds: Int64?
    public var lastError: String?
    /// Since when the configuration no longer names it; its events wait until an operator drops it.
    public var removedAtMilliseconds: Int64?
    public init(
        name: String, kind: String, target: String, backlog: Int, oldestUndeliveredAtMilliseconds: Int64?,
        lastDeliveredAtMilliseconds: Int64?, lastError: String?, removedAtMilliseconds: Int64? = nil
    ) {
        self.name = name
        self.kind = kind
        self.target = target
        self.backlog = backlog
        self.oldestUndeliveredAtMilliseconds = oldestUndeliveredAtMilliseconds
        self.lastDeliveredAtMilliseconds = lastDeliveredAtMilliseconds
        self.lastError = lastError
        self.removedAtMilliseconds = removedAtMilliseconds
    }
}

public struct OperatorView: Hashable, Sendable, Codable {
    public var name: String
    public var roles: [Role]
    /// Hex of SHA-256 over the certificate's SPKI: one person, one key.
    public var keySHA256: String
    public var active: Bool
    public init(name: String, roles: [Role], keySHA256: String, active: Bool) {
        self.name = name
        self.roles = roles
        self.keySHA256 = keySHA256
        self.active = active
    }
}

/// `POST /v1/operators`: a certificate request of the new operator; `PUT /v1/operators/{name}/roles`.
public struct OperatorRequest: Hashable, Sendable, Codable {
    public var name: String
    public var roles: [Role]
    /// DER PKCS#10; the reply holds the issued certificate. Nil when only roles change.
    public var certificateRequest: WireBytes?
    public init(name: String, roles: [Role], certificateRequest: WireBytes?) {
        self.name = name
        self.roles = roles
        self.certificateRequest = certificateRequest
    }
}

public struct OperatorReply: Hashable, Sendable, Codable {
    public var view: OperatorView
    /// DER, own first.
    public var certificates: [WireBytes]
    public init(view: OperatorView, certificates: [WireBytes]) {
        self.view = view
        self.certificates = certificates
    }
}

public struct AuditRecordView: Hashable, Sendable, Codable {
    public var number: Int64
    public var atMilliseconds: Int64
    /// `operator:<name>`, `node:<id>` or `verifier`.
    public var actor: String
    /// Dotted: `node.approve`, `verdict.fail`, `request.refused`.
    public var action: String
    public var subject: String?
    public var outcome: String
    public var detail: [String: String]
    /// Hex of the record's keyed hash, which covers the one before.
    public var chain: String
    public init(
        number: Int64, atMilliseconds: Int64, actor: String, action: String, subject: String?, outcome: String,
        detail: [String: String], chain: String
    ) {
        self.number = number
        self.atMilliseconds = atMilliseconds
        self.actor = actor
        self.action = action
        self.subject = subject
        self.outcome = outcome
        self.detail = detail
        self.chain = chain
    }
}

public struct AuditVerification: Hashable, Sendable, Codable {
    public var recordCount: Int64
    /// Number of the first record that does not fit the chain; nil when all do.
    public var firstBadNumber: Int64?
    public var head: String
    public init(recordCount: Int64, firstBadNumber: Int64?, head: String) {
        self.recordCount = recordCount
        self.firstBadNumber = firstBadNumber
        self.head = head
    }
}

public struct VerifierStatus: Hashable, Sendable, Codable {
    public var version: String
    public var instance: String
    public var startedAtMilliseconds: Int64
    public var nodes: [NodeState: Int]
    public var openAlarms: Int
    public var siemBacklog: Int
    public var labMode: Bool
    public var certificateExpiresAtMilliseconds: Int64?
    public init(
        version: String, instance: String, startedAtMilliseconds: Int64, nodes: [NodeState: Int], openAlarms: Int,
        siemBacklog: Int, labMode: Bool, certificateExpiresAtMilliseconds: Int64?
    ) {
        self.version = version
        self.instance = instance
        self.startedAtMilliseconds = startedAtMilliseconds
        self.nodes = nodes
        self.openAlarms = openAlarms
        self.siemBacklog = siemBacklog
        self.labMode = labMode
        self.certificateExpiresAtMilliseconds = certificateExpiresAtMilliseconds
    }
}
