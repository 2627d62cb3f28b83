internal import Appraisal
internal import AssetFingerprints
package import AttestationMessages
internal import Crypto
internal import JSONCoding
internal import TPMStructures

/// Challenges, evidence and uploads of enrolled nodes (architecture, section 3).
package struct AttestationService: AttestationUseCases {
    let store: any TransactionalStore
    let random: any RandomSource
    let policy: VerifierPolicy
    let refusals: RefusalLog
    let plans: (any RebootExplaining)?
    let memory = AppraisalMemory()
    let measurementLists: MeasurementListAppraiser
    private let keys = BoundedCache<Int64, NodeKeys>(capacity: 8192)
    private let policies = BoundedCache<String, GroupPolicy>(capacity: 256)

    /// - Parameter plans: what explains reboots besides operators' announcements.
    package init(
        store: any TransactionalStore, random: any RandomSource = SystemRandom(),
        policy: VerifierPolicy = VerifierPolicy(), plans: (any RebootExplaining)? = PlannedReboots()
    ) {
        self.plans = plans
        self.store = store
        measurementLists = MeasurementListAppraiser(store: store)
        self.random = random
        self.policy = policy
        refusals = RefusalLog(store: store)
    }

    // MARK: Challenge

    package func challenge(_ request: ChallengeRequest, node peer: NodePeer) async throws -> AttestationChallenge {
        try await recordingRefusals("challenge.refused", peer) {
            try await store.write { tx in
                try issueChallenge(try evidenceCase(peer, tx), bootID: request.bootID, tx)
            }
        }
    }

    /// Replaces the node's challenge: the older one is void.
    ///
    /// - Parameter evidence: everything that the node's next evidence will be judged by.
    func issueChallenge(
        _ evidence: EvidenceCase, bootID: String?, _ tx: any StoreTransaction
    ) throws -> AttestationChallenge {
        let settings = evidence.policy.settings
        let selection = policy.selection(for: evidence)
        let akName = evidence.identity.akName
        let record = ChallengeRecord(
            challengeID: Identifier.make(at: tx.now, random), nodeID: evidence.node.nodeID, akName: akName,
            nonce: random.bytes(AttestationChallenge.nonceSize), selection: selection, issuedAtMilliseconds: tx.now,
            expiresAtMilliseconds: tx.now + policy.challengeLife, epoch: store.clock.epoch, consumedBySHA256: nil)
        try tx.save(record)
        return AttestationChallenge(
            challengeID: record.challengeID, nonce: WireBytes(record.nonce),
            expiresInSeconds: Int(policy.challengeLife / 1000), pcrSelection: WireBytes(selection.marshalled),
            fingerprintIntervals: settings.fingerprintIntervals,
            attestationIntervalSeconds: settings.attestationIntervalSeconds,
            measurementListOffset: evidence.wantsMeasurementList
                ? try tx.measurementList(akName: akName).flatMap { $0.offset(inBoot: bootID) } ?? 0 : nil)
    }

    // MARK: Shared steps

    /// Reads the peer's node and everything it is judged by.
    ///
    /// - Parameter receivedAt: when the quote came, for evidence whose logs took their time; nil for now.
    func evidenceCase(
        _ peer: NodePeer, receivedAt: Int64? = nil, _ snapshot: any StoreSnapshot
    ) throws -> EvidenceCase {
        let (node, identity) = try AttestationGate.open(peer, snapshot)
        return try evidenceCase(node, identity, receivedAt: receivedAt ?? snapshot.now, snapshot)
    }

    func evidenceCase(
        _ node: NodeRecord, _ identity: IdentityRecord, receivedAt: Int64, _ snapshot: any StoreSnapshot
    ) throws -> EvidenceCase {
        let policy = try groupPolicy(node.group, snapshot)
        let planned = try PlannedNode(node.nodeID, policy, receivedAt: receivedAt, snapshot)
        let canary = try CanaryNode(node.nodeID, policy, snapshot)
        var evidence = EvidenceCase(
            node: node, identity: identity, keys: try nodeKeys(identity),
            policy: planned?.soleReferences ?? canary?.references ?? policy,
            state: try snapshot.attestationState(akName: identity.akName), planned: planned, canary: canary)
        if evidence.wantsMeasurementList {
            evidence.measurementList = try snapshot.measurementList(akName: identity.akName)
        }
        return evidence
    }

    func nodeKeys(_ identity: IdentityRecord) throws -> NodeKeys {
        if let known = keys[identity.identityID] { return known }
        let made = try NodeKeys(identity)
        keys.insert(made, for: identity.identityID)
        return made
    }

    func groupPolicy(_ group: String, _ snapshot: any StoreSnapshot) throws -> GroupPolicy {
        if let known = policies[group], try known.isCurrent(policy, snapshot) { return known }
        let made = try GroupPolicy(group: group, policy: policy, in: snapshot)
        policies.insert(made, for: group)
        return made
    }

    /// Each refusal of a node's request has its audit record, or the request fails with that instead.
    func recordingRefusals<Value>(
        _ action: String, _ peer: NodePeer, _ body: () async throws -> Value
    ) async throws -> Value {
        do { return try await body() } catch let error as ServiceError where error.kind != .unavailable {
            // A resend of the same bytes is no attack: it gets its first verdict and no alarm (QF-09).
            throw try await refusals.refuse(
                error, action: action, node: peer.nodeID, source: peer.source, alarm: error.verdictID == nil)
        }
    }
}
