import AssetFingerprints
import AttestationMessages
import Synchronization
import VerifierAPI
import VerifierService

/// Every use case in memory: answers with small valid values, remembers refusals, and can be told to fail.
final class FakeUseCases: Sendable {
    struct Refused: Hashable {
        var code: String
        var actor: String
        var route: String
        var source: String
    }
    struct State {
        var roles: [String: Set<Role>] = [:]
        var refused: [Refused] = []
        var calls: [String] = []
        var failure: (any Error)?
        var refusalFails = false
        var readiness = Readiness.ready
    }
    let state = Mutex(State())

    init(roles: [String: Set<Role>] = [:]) { state.withLock { $0.roles = roles } }

    var refused: [Refused] { state.withLock { $0.refused } }
    var readiness: Readiness { state.withLock { $0.readiness } }
    var calls: [String] { state.withLock { $0.calls } }

    func called(_ name: String) throws {
        try state.withLock { state in
            state.calls.append(name)
            if let failure = state.failure { throw failure }
        }
    }

    static let node = NodeView(
        nodeID: NodeID("n1")!, state: .pending, lifecycle: .pending, standing: .unproven, site: nil, group: nil,
        assetTag: nil, platform: PlatformIdentity(), ekName: "", akName: "", ekTrust: "certified",
        tpmManufacturer: nil, tpmModel: nil, tpmFirmware: nil, enrolledAtMilliseconds: 0,
        lastEvidenceAtMilliseconds: nil, stateSinceMilliseconds: 0, lastVerdict: nil, resetCount: nil,
        restartCount: nil, bootID: nil, agentVersion: nil)
    static let reference = ReferenceView(
        name: "r", version: 1, status: .draft, documentSHA256: "", group: "g", layers: [], createdBy: "a",
        proposedBy: nil, approvedBy: nil, labMode: false, note: nil, createdAtMilliseconds: 0,
        validUntilMilliseconds: nil)
    static let fingerprint = FingerprintView(
        nodeID: NodeID("n1")!, kind: .accounts, sha256: "", collectedAtMilliseconds: 0, receivedAtMilliseconds: 0,
        report: WireBytes([]))
    static let baseline = FingerprintBaselineView(
        group: "g", kind: .accounts, version: 1, status: .draft, documentSHA256: "", document: WireBytes([]),
        proposedBy: "a", approvedBy: nil, labMode: false)
    static let settings = GroupSettings(
        fingerprintIntervals: [:], attestationIntervalSeconds: 300, requiredLayers: [], warningPassesIn: [],
        fingerprintDifference: "warn")
    static let alarm = AlarmView(
        alarmID: "a", eventID: "E", severity: "low", nodeID: nil, message: "", detail: [:], atMilliseconds: 0, count: 1,
        acknowledgedBy: nil, acknowledgedAtMilliseconds: nil)
    static let person = OperatorView(name: "alice", roles: [.viewer], keySHA256: "", active: true)
}

extension FakeUseCases: EnrollmentUseCases {
    func enroll(_ body: [UInt8], peer: EnrollmentPeer) throws -> [UInt8] {
        try called("enroll")
        return Array("{}".utf8)
    }
    func activate(enrollmentID: String, _ request: ActivationRequest, peer: EnrollmentPeer) throws -> EnrollmentResult {
        try called("activate")
        return Self.enrolled
    }
    func renew(_ request: RenewalRequest, peer: EnrollmentPeer) throws -> EnrollmentResult {
        try called("renew")
        return Self.enrolled
    }
    private static let enrolled = EnrollmentResult(
        nodeID: NodeID("n1")!, lifecycle: .enrolled, identityCertificates: [], retryAfterSeconds: nil)
}

extension FakeUseCases: AttestationUseCases {
    func challenge(_ request: ChallengeRequest, node: NodePeer) throws -> AttestationChallenge {
        try called("challenge \(node.nodeID)")
        return AttestationChallenge(
            challengeID: "c", nonce: WireBytes([UInt8](repeating: 0, count: 32)), expiresInSeconds: 60,
            pcrSelection: WireBytes([0, 0, 0, 0]), fingerprintIntervals: [:], attestationIntervalSeconds: 300)
    }
    func submit(_ submission: EvidenceSubmission, node: NodePeer) throws -> EvidenceReply {
        try called("submit \(node.nodeID)")
        return Self.evidence
    }
    func upload(evidenceID: String, log: EvidenceLog, offset: Int, bytes: [UInt8], node: NodePeer) throws
        -> EvidenceReply
    {
        try called("upload \(node.nodeID) \(offset) \(bytes.count)")
        return Self.evidence
    }
    private static let evidence = EvidenceReply(
        evidenceID: "e", verdict: .pass, verdictID: "v", need: [], nextAttestationInSeconds: 300, nextChallenge: nil)
}

extension FakeUseCases: AdmissionUseCases {
    private func reply(_ node: NodeID) -> AdmissionReply {
        AdmissionReply(
            nodeID: node, decision: .deny, reason: "ADM_PENDING", ear: nil, admissionCertificates: [], verdictID: nil,
            validUntilMilliseconds: nil)
    }
    func admission(of node: NodeID, audience: String, asker: AdmissionAsker) throws -> AdmissionReply {
        try called("admission \(node) \(audience)")
        return reply(node)
    }
    func admissions(cursor: String?, limit: Int, peer: OperatorPeer) throws -> Page<AdmissionReply> {
        try called("admissions \(limit)")
        return Page(items: [])
    }
}

extension FakeUseCases: NodeUseCases {
    func nodes(_ filter: NodeFilter, cursor: String?, limit: Int, peer: OperatorPeer) throws -> Page<NodeView> {
        try called("nodes")
        return Page(items: [Self.node])
    }
    func node(_ id: NodeID, peer: OperatorPeer) throws -> NodeView {
        try called("node \(id)")
        return Self.node
    }
    func importManifest(_ manifest: ManifestImport, peer: OperatorPeer) throws -> ManifestImportResult {
        try called("importManifest")
        return ManifestImportResult(added: 0, unchanged: 0, conflicts: [])
    }
    func act(_ act: NodeAct, on node: NodeID, _ request: NodeActRequest, peer: OperatorPeer) throws -> NodeView {
        try called("act \(act.rawValue)")
        return Self.node
    }
    func history(of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer) throws -> Page<VerdictSummary> {
        try called("history")
        return Page(items: [])
    }
    func reboots(of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer) throws -> Page<RebootView> {
        try called("reboots")
        return Page(items: [])
    }
    func explanation(
        of node: NodeID, comparingWith other: String?, peer: OperatorPeer
    ) throws -> NodeExplanationView {
        try called("explanation")
        return NodeExplanationView(
            nodeID: node, verdict: nil, lastGood: nil, brokenSince: nil, comparison: nil,
            comparisonMissing: "no evidence yet", sameElsewhere: [], sameElsewhereTruncated: false, lastReboot: nil)
    }
    func peers(group: String?, peer: OperatorPeer) throws -> PeerReport {
        try called("peers \(group ?? "-")")
        return PeerReport(minimumMachines: 3, classes: [], withoutModel: 0, withoutEvidence: 0)
    }
    func verdict(_ id: String, of node: NodeID, peer: OperatorPeer) throws -> VerdictDetail {
        try called("verdict")
        return VerdictDetail(
            summary: VerdictSummary(
                verdictID: id, verdict: .pass, atMilliseconds: 0, firstBrokenLayer: nil, reasons: [], referenceSet: nil),
            result: .null)
    }
}

extension FakeUseCases: ReferenceUseCases {
    private static let feed = RevocationView(
        dateMilliseconds: 0, documentSHA256: "", dbxCount: 0, sbat: [], componentCount: 1, reason: "", importedBy: "a",
        importedAtMilliseconds: 0)
    func revocations(peer: OperatorPeer) throws -> RevocationView {
        try called("revocations")
        return Self.feed
    }
    func importRevocations(_ request: RevocationImport, peer: OperatorPeer) throws -> RevocationView {
        try called("importRevocations")
        return Self.feed
    }
    func references(peer: OperatorPeer) throws -> Page<ReferenceView> {
        try called("references")
        return Page(items: [])
    }
    func reference(_ name: String, version: Int?, peer: OperatorPeer) throws -> ReferenceDetail {
        try called("reference")
        return ReferenceDetail(view: Self.reference, document: WireBytes([]))
    }
    func draft(_ request: ReferenceDraftRequest, peer: OperatorPeer) throws -> ReferenceDetail {
        try called("draft")
        return ReferenceDetail(view: Self.reference, document: WireBytes([]))
    }
    func act(
        _ act: ReferenceAct, on name: String, version: Int, _ request: ReferenceActRequest, peer: OperatorPeer
    ) throws -> ReferenceView {
        try called("reference \(act.rawValue)")
        return Self.reference
    }
    func preview(_ name: String, version: Int, peer: OperatorPeer) throws -> ReferencePreview {
        try called("preview \(name)@\(version)")
        return ReferencePreview(name: name, version: version, documentSHA256: "", group: "g")
    }
    func rollback(
        _ name: String, _ request: ReferenceRollbackRequest, peer: OperatorPeer
    ) throws -> ReferenceRollback {
        try called("rollback \(name)")
        return ReferenceRollback(rolledBack: Self.reference, active: Self.reference, cleared: [], stillFailed: [])
    }
    func history(ofReference name: String, peer: OperatorPeer) throws -> Page<ReferenceHistoryEntry> {
        try called("reference history")
        return Page(items: [])
    }
}

extension FakeUseCases: FingerprintUseCases {
    func fingerprint(_ kind: FingerprintKind, of node: NodeID, peer: OperatorPeer) throws -> FingerprintView {
        try called("fingerprint")
        return Self.fingerprint
    }
    func fingerprintHistory(
        _ kind: FingerprintKind, of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer
    ) throws -> Page<FingerprintView> {
        try called("fingerprintHistory")
        return Page(items: [])
    }
    func baseline(_ kind: FingerprintKind, group: String, peer: OperatorPeer) throws -> FingerprintBaselineView {
        try called("baseline")
        return Self.baseline
    }
    func proposeBaseline(
        _ kind: FingerprintKind, group: String, _ request: FingerprintBaselineRequest, peer: OperatorPeer
    ) throws -> FingerprintBaselineView {
        try called("proposeBaseline")
        return Self.baseline
    }
    func approveBaseline(
        _ kind: FingerprintKind, group: String, version: Int, _ request: ReferenceActRequest, peer: OperatorPeer
    ) throws -> FingerprintBaselineView {
        try called("approveBaseline")
        return Self.baseline
    }
    func settings(group: String, peer: OperatorPeer) throws -> GroupSettings {
        try called("settings")
        return Self.settings
    }
    func setSettings(_ settings: GroupSettings, group: String, peer: OperatorPeer) throws -> GroupSettings {
        try called("setSettings")
        return settings
    }
}

extension FakeUseCases: OversightUseCases {
    func alarms(open: Bool?, node: NodeID?, cursor: String?, limit: Int, peer: OperatorPeer) throws -> Page<AlarmView> {
        try called("alarms")
        return Page(items: [])
    }
    func alarm(_ id: String, peer: OperatorPeer) throws -> AlarmView {
        try called("alarm")
        return Self.alarm
    }
    func acknowledge(_ id: String, reason: String, peer: OperatorPeer) throws -> AlarmView {
        try called("acknowledge")
        return Self.alarm
    }
    func siemDestinations(peer: OperatorPeer) throws -> [SIEMDestinationView] {
        try called("siemDestinations")
        return []
    }
    func testSIEM(peer: OperatorPeer) throws -> [SIEMDestinationView] {
        try called("testSIEM")
        return []
    }
    func dropSIEM(_ name: String, reason: String, peer: OperatorPeer) throws -> [SIEMDestinationView] {
        try called("dropSIEM \(name)")
        return []
    }
    func operators(peer: OperatorPeer) throws -> [OperatorView] {
        try called("operators")
        return []
    }
    func addOperator(_ request: OperatorRequest, peer: OperatorPeer) throws -> OperatorReply {
        try called("addOperator")
        return OperatorReply(view: Self.person, certificates: [])
    }
    func setRoles(_ roles: [Role], of name: String, peer: OperatorPeer) throws -> OperatorView {
        try called("setRoles")
        return Self.person
    }
    func removeOperator(_ name: String, peer: OperatorPeer) throws -> OperatorView {
        try called("removeOperator")
        return Self.person
    }
    func auditRecords(cursor: String?, limit: Int, peer: OperatorPeer) throws -> Page<AuditRecordView> {
        try called("auditRecords")
        return Page(items: [])
    }
    func verifyAudit(peer: OperatorPeer) throws -> AuditVerification {
        try called("verifyAudit")
        return AuditVerification(recordCount: 0, firstBadNumber: nil, head: "")
    }
    func status(peer: OperatorPeer) throws -> VerifierStatus {
        try called("status")
        return VerifierStatus(
            version: "test", instance: "test", startedAtMilliseconds: 0, nodes: [:], openAlarms: 0, siemBacklog: 0,
            labMode: false, certificateExpiresAtMilliseconds: nil)
    }
    func identify(name: String, keySHA256: String) -> Set<Role>? { state.withLock { $0.roles[name] } }
    func refused(code: String, actor: String, route: String, source: String) throws {
        try state.withLock { state in
            if state.refusalFails { throw ServiceError(.unavailable, "STORE_UNAVAILABLE") }
            state.refused.append(Refused(code: code, actor: actor, route: route, source: source))
        }
    }
}
