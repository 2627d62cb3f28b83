internal import Appraisal
internal import AttestationMessages
internal import JSONCoding
internal import ReferenceValues

/// Evidence that was judged before, to be judged again by other references. What the quote itself said stands as it was
/// found when it came: its nonce is gone, and the counters it was compared with have moved on.
struct StoredAppraisal: Sendable {
    let evidence: StoredEvidence
    private let eventLogSHA256: [UInt8]?
    private let measurementList: MeasurementListRecord?
    private let result: [UInt8]

    /// - Returns: nil where evidence or result of the verdict are no longer kept.
    init?(_ verdict: VerdictRecord, _ identity: IdentityRecord, _ snapshot: any StoreSnapshot) throws {
        guard let result = verdict.result, let evidence = try StoredEvidence.of(verdict, identity, snapshot) else {
            return nil
        }
        self.evidence = evidence
        self.result = result
        measurementList = try snapshot.measurementList(akName: identity.akName)
        eventLogSHA256 = verdict.eventLogSHA256
    }

    /// The evidence that a node's present state rests on: of its last verdict that changed anything.
    static func last(
        of node: NodeRecord, _ snapshot: any StoreSnapshot
    ) throws -> (appraisal: StoredAppraisal, verdict: Verdict)? {
        guard let identity = try snapshot.identity(node.identityID),
            let state = try snapshot.attestationState(akName: identity.akName),
            let id = state.resultVerdictID, let record = try snapshot.verdict(id),
            let appraisal = try StoredAppraisal(record, identity, snapshot)
        else { return nil }
        return (appraisal, record.verdict)
    }

    /// - Returns: nil where the stored bytes no longer prove anything: the signature does not verify, the register values
    ///   are not those that it covers, or references judge a measurement list that was not asked for at the time.
    func appraise(
        _ policy: GroupPolicy, _ memory: AppraisalMemory, _ measurementLists: MeasurementListAppraiser, now: Int64
    ) async throws -> AttestationResult? {
        let pcrs: ReferenceCapture.Source
        let before: AttestationResult
        do {
            pcrs = try evidence.source()
            before = try StrictJSON.decode(AttestationResult.self, from: result)
        } catch { return nil }
        let fingerprints = before.layer(.assetFingerprints)
        let wasCompared =
            fingerprints?.covered == true
            && fingerprints?.findings.contains { $0.id == FindingID.evidenceMissing } == false
        var runtime: RuntimeAppraisal?
        if let rules = policy.measurementListRules {
            runtime = try await measurementLists.judge(
                stored: measurementList, against: pcrs.pcrs, rules, now: now)
            if runtime == nil { return nil }
        }
        let input = EvidenceAppraiser.Input(
            identityFindings: before.layer(.tpmIdentity)?.findings ?? [], registers: .attested(pcrs.pcrs),
            eventLogSHA256: eventLogSHA256, fingerprintFindings: wasCompared ? fingerprints?.findings : nil,
            runtime: runtime, now: now)
        return try await EvidenceAppraiser(memory: memory).appraise(input, policy) { evidence.eventLog }
    }
}

/// The nodes that a group's active set judges: the group's own, and for the default group those of every group without a
/// set. Read page by page on the readers: a walk over the fleet neither holds it in memory nor waits for the writer.
struct JudgedFleet: Sendable {
    let store: any TransactionalStore
    let group: String
    private static let pageSize = 100

    func forEach(_ body: (NodeRecord) async throws -> Void) async throws {
        let isDefault = group == VerifierPolicy.defaultGroup
        var cursor: NodeID?
        repeat {
            let after = cursor
            let (page, size) = try await store.read { [group] snapshot in
                let page = try snapshot.nodes(
                    site: nil, group: isDefault ? nil : group, after: after, limit: Self.pageSize)
                var judged: [String: Bool] = [group: true]
                let nodes = try page.filter { node in
                    guard node.lifecycle == .enrolled || node.lifecycle == .suspended else { return false }
                    if let known = judged[node.group] { return known }
                    let falls = try snapshot.activeReference(group: node.group) == nil
                    judged[node.group] = falls
                    return falls
                }
                return (nodes, (count: page.count, last: page.last?.nodeID))
            }
            for node in page {
                try await body(node)
                try Task.checkCancellation()
                await Task.yield()
            }
            cursor = size.count == Self.pageSize ? size.last : nil
        } while cursor != nil
    }
}
