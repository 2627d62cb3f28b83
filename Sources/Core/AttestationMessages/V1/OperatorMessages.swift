public import AssetFingerprints

/// Roles of operators and consumers; every route names those that may call it (default deny).
public enum Role: String, Hashable, Sendable, Codable, CaseIterable {
    /// Reads nodes, references, fingerprints and alarms.
    case viewer
    /// Imports manifests, adds and approves nodes.
    case enroller
    /// Approves what somebody else proposed.
    case approver
    /// Suspends, revokes, clears, schedules, proposes and activates reference sets, manages operators.
    case securityAdmin = "security-admin"
    /// Reads and verifies the audit log.
    case auditor
    /// A consumer of admissions.
    case relyingParty = "relying-party"
}

/// A page of a listing. `nextCursor` is opaque; absent on the last page.
public struct Page<Item: Sendable & Codable>: Sendable, Codable {
    public var items: [Item]
    public var nextCursor: String?
    public init(items: [Item], nextCursor: String? = nil) {
        self.items = items
        self.nextCursor = nextCursor
    }
}

// MARK: Nodes

/// One line of a factory manifest. Exactly one of `ekName`, `ekSPKISHA256`, or `ekIssuer` + `ekSerial` +
/// `ekSPKISHA256` names the EK.
public struct ManifestEntry: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    /// Hex of the EK's name (nameAlg ‖ digest).
    public var ekName: String?
    /// Hex of SHA-256 over the EK's SubjectPublicKeyInfo (DER).
    public var ekSPKISHA256: String?
    /// RFC 4514 issuer of the EK certificate.
    public var ekIssuer: String?
    /// Hex serial number of the EK certificate.
    public var ekSerial: String?
    public var assetTag: String?
    public var site: String?
    public var group: String?
    /// When set, the node must present this token once (ID-19); the store keeps only a salted hash.
    public var token: String?

    public init(
        nodeID: NodeID, ekName: String? = nil, ekSPKISHA256: String? = nil, ekIssuer: String? = nil,
        ekSerial: String? = nil, assetTag: String? = nil, site: String? = nil, group: String? = nil,
        token: String? = nil
    ) {
        self.nodeID = nodeID
        self.ekName = ekName
        self.ekSPKISHA256 = ekSPKISHA256
        self.ekIssuer = ekIssuer
        self.ekSerial = ekSerial
        self.assetTag = assetTag
        self.site = site
        self.group = group
        self.token = token
    }
}

public struct ManifestImport: Hashable, Sendable, Codable {
    public var entries: [ManifestEntry]
    public var dryRun: Bool
    public init(entries: [ManifestEntry], dryRun: Bool = false) {
        self.entries = entries
        self.dryRun = dryRun
    }
}

public struct ManifestImportResult: Hashable, Sendable, Codable {
    public var added: Int
    public var unchanged: Int
    /// Entries refused, each with its reason; nothing is written when one is.
    public var conflicts: [String]
    public init(added: Int, unchanged: Int, conflicts: [String]) {
        self.added = added
        self.unchanged = unchanged
        self.conflicts = conflicts
    }
}

/// What operators see of a node.
public struct NodeView: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    public var state: NodeState
    public var lifecycle: NodeLifecycle
    public var standing: NodeStanding
    public var site: String?
    public var group: String?
    public var assetTag: String?
    public var platform: PlatformIdentity
    public var ekName: String
    public var akName: String
    /// `certified`, `manifest-vouched` or `inventory-vouched`.
    public var ekTrust: String
    public var tpmManufacturer: String?
    public var tpmModel: String?
    public var tpmFirmware: String?
    public var enrolledAtMilliseconds: Int64
    public var lastEvidenceAtMilliseconds: Int64?
    public var stateSinceMilliseconds: Int64
    public var lastVerdict: VerdictSummary?
    public var resetCount: UInt32?
    public var restartCount: UInt32?
    public var bootID: String?
    public var agentVersion: String?

    public init(
        nodeID: NodeID, state: NodeState, lifecycle: NodeLifecycle, standing: NodeStanding, site: String?,
        group: String?, assetTag: String?, platform: PlatformIdentity, ekName: String, akName: String,
        ekTrust: String, tpmManufacturer: String?, tpmModel: String?, tpmFirmware: String?,
        enrolledAtMilliseconds: Int64, lastEvidenceAtMilliseconds: Int64?, stateSinceMilliseconds: Int64,
        lastVerdict: VerdictSummary?, resetCount: UInt32?, restartCount: UInt32?, bootID: String?,
        agentVersion: String?
    ) {
        self.nodeID = nodeID
        self.state = state
        self.lifecycle = lifecycle
        self.standing = standing
        self.site = site
        self.group = group
        self.assetTag = assetTag
        self.platform = platform
        self.ekName = ekName
        self.akName = akName
        self.ekTrust = ekTrust
        self.tpmManufacturer = tpmManufacturer
        self.tpmModel = tpmModel
        self.tpmFirmware = tpmFirmware
        self.enrolledAtMilliseconds = enrolledAtMilliseconds
        self.lastEvidenceAtMilliseconds = lastEvidenceAtMilliseconds
        self.stateSinceMilliseconds = stateSinceMilliseconds
        self.lastVerdict = lastVerdict
        self.resetCount = resetCount
        self.restartCount = restartCount
        self.bootID = bootID
        self.agentVersion = agentVersion
    }
}

public struct VerdictSummary: Hashable, Sendable, Codable {
    public var verdictID: String
    public var verdict: Verdict
    public var atMilliseconds: Int64
    public var firstBrokenLayer: String?
    /// Reason codes of the findings that made the verdict.
    public var reasons: [String]
    public var referenceSet: String?

    public init(
        verdictID: String, verdict: Verdict, atMilliseconds: Int64, firstBrokenLayer: String?, reasons: [String],
        referenceSet: String?
    ) {
        self.verdictID = verdictID
        self.verdict = verdict
        self.atMilliseconds = atMilliseconds
        self.firstBrokenLayer = firstBrokenLayer
        self.reasons = reasons
        self.referenceSet = referenceSet
    }
}

/// `GET /v1/nodes/{id}/verdicts/{verdict}`: the summary and the whole attestation result, the same JSON that
/// `bootgate appraise -o json` prints.
public struct VerdictDetail: Sendable, Codable {
    public var summary: VerdictSummary
    public var result: JSONValue
    public init(summary: VerdictSummary, result: JSONValue) {
        self.summary = summary
        self.result = result
    }
}

/// Acts on a node: `POST /v1/nodes/{id}/{act}`.
public enum NodeAct: String, Hashable, Sendable, Codable, CaseIterable {
    case approve, suspend, resume, revoke, clear, remove
    case replaceTPM = "replace-tpm"
    /// Asks for evidence at the node's next contact, whatever its interval.
    case attest
}

public struct NodeActRequest: Hashable, Sendable, Codable {
    public var reason: String
    /// `clear`: the verdict that is being cleared.
    public var verdictID: String?
    /// `replace-tpm`: the new EK as in a manifest entry. First call proposes, a second operator's call approves.
    public var replacement: ManifestEntry?
    public init(reason: String, verdictID: String? = nil, replacement: ManifestEntry? = nil) {
        self.reason = reason
        self.verdictID = verdictID
        self.replacement = replacement
    }
}

// MARK: Reference sets

public enum ReferenceStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case draft, proposed, approved, active, rejected, retired
}

public struct ReferenceView: Hashable, Sendable, Codable {
    public var name: String
    public var version: Int
    public var status: ReferenceStatus
    /// Hex of SHA-256 over the exact document bytes; what an approval names.
    public var documentSHA256: String
    public var group: String
    public var layers: [String]
    public var createdBy: String
    public var proposedBy: String?
    public var approvedBy: String?
    /// True when one operator did both in lab mode; shows in every result.
    public var labMode: Bool
    public var note: String?
    public var createdAtMilliseconds: Int64
    public var validUntilMilliseconds: Int64?

    public init(
        name: String, version: Int, status: ReferenceStatus, documentSHA256: String, group: String,
        layers: [String], createdBy: String, proposedBy: String?, approvedBy: String?, labMode: Bool, note: String?,
        createdAtMilliseconds: Int64, validUntilMilliseconds: Int64?
    ) {
        self.name = name
        self.version = version
        self.status = status
        self.documentSHA256 = documentSHA256
        self.group = group
        self.layers = layers
        self.createdBy = createdBy
        self.proposedBy = proposedBy
        self.approvedBy = approvedBy
        self.labMode = labMode
        self.note = note
        self.createdAtMilliseconds = createdAtMilliseconds
        self.validUntilMilliseconds = validUntilMilliseconds
    }
}

/// `POST /v1/references`: a draft from a document, or captured from the stored evidence of nodes.
public struct ReferenceDraftRequest: Hashable, Sendable, Codable {
    public var name: String
    /// The group whose nodes it is for.
    public var group: String
    /// The document's exact bytes; or nil, with `captureFrom`.
    public var document: WireBytes?
    public var captureFrom: [NodeID]
    public var note: String?
    public init(name: String, group: String, document: WireBytes?, captureFrom: [NodeID], note: String?) {
        self.name = name
        self.group = group
        self.document = document
        self.captureFrom = captureFrom
        self.note = note
    }
}

public struct ReferenceDetail: Hashable, Sendable, Codable {
    public var view: ReferenceView
    public var document: WireBytes
    public init(view: ReferenceView, document: WireBytes) {
        self.view = view
        self.document = document
    }
}

/// `POST /v1/references/{name}/{version}/{act}`.
public enum ReferenceAct: String, Hashable, Sendable, Codable, CaseIterable {
    case propose, approve, reject, activate
}

public struct ReferenceActRequest: Hashable, Sendable, Codable {
    /// Must be the stored document's SHA-256 (hex), so that nobody approves what they did not see.
    public var documentSHA256: String
    public var reason: String
    public init(documentSHA256: String, reason: String) {
        self.documentSHA256 = documentSHA256
        self.reason = reason
    }
}

// MARK: Fingerprints

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

    public init(
        fingerprintIntervals: [FingerprintKind: Int], attestationIntervalSeconds: Int, requiredLayers: [String],
        warningPassesIn: [String], fingerprintDifference: String
    ) {
        self.fingerprintIntervals = fingerprintIntervals
        self.attestationIntervalSeconds = attestationIntervalSeconds
        self.requiredLayers = requiredLayers
        self.warningPassesIn = warningPassesIn
        self.fingerprintDifference = fingerprintDifference
    }
}

// MARK: Alarms, SIEM, operators, audit, status

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
    public init(
        name: String, kind: String, target: String, backlog: Int, oldestUndeliveredAtMilliseconds: Int64?,
        lastDeliveredAtMilliseconds: Int64?, lastError: String?
    ) {
        self.name = name
        self.kind = kind
        self.target = target
        self.backlog = backlog
        self.oldestUndeliveredAtMilliseconds = oldestUndeliveredAtMilliseconds
        self.lastDeliveredAtMilliseconds = lastDeliveredAtMilliseconds
        self.lastError = lastError
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
