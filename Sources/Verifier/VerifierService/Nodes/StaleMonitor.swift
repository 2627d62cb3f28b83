internal import AttestationMessages
package import Logging

/// Looks regularly for nodes that fell silent or stand alone among their peers, for overrides whose time is over, for
/// uploads that were never finished, for plans and staged activations whose time or work is over, and for what has served
/// its time.
///
/// Admission ages always; the stale *alarm* counts only time in which the verifier was up: after a start, every node
/// has its full age once more before it is called stale.
package struct StaleMonitor: Sendable {
    private let store: any TransactionalStore
    private let attestation: AttestationService
    private let policy: VerifierPolicy
    private let retention: Retention
    private let logger: Logger
    private static let pageSize = 200

    package init(
        store: any TransactionalStore, attestation: AttestationService, policy: VerifierPolicy = VerifierPolicy(),
        retention: Retention = Retention(), logger: Logger
    ) {
        self.store = store
        self.attestation = attestation
        self.policy = policy
        self.retention = retention
        self.logger = logger
    }

    /// Runs until its task is cancelled.
    package func run(every interval: Duration = .seconds(5)) async throws {
        var round = 0
        while !Task.isCancelled {
            do {
                try await tick()
                // Retention and the comparison of peers need no more than once in about ten minutes.
                if round.isMultiple(of: 120) { try await store.write { [retention] in try $0.purge(retention) } }
                if round % 120 == 0 { try await ReferenceSignatureWatch.check(store, policy) }
                if round % 120 == 60 { try await PeerWatch.check(store) }
            } catch let error as ServiceError {
                logger.error("monitor round failed", metadata: ["code": "\(error.code)", "detail": "\(error.detail)"])
            }
            round += 1
            try await Task.sleep(for: interval)
        }
    }

    /// One round.
    package func tick() async throws {
        try await OverrideEnding.endOverdue(store)
        try await RevocationAge.check(store, maximumAge: policy.maxRevocationAge)
        try await ReferenceEndWatch.check(store)
        try await PlanWatch.check(store, grace: policy.uploadLife + policy.challengeLife)
        try await RolloutWatch.check(ReferenceService(store: store, labMode: false, policy: policy))
        try await store.write { [attestation] tx in
            for pending in try tx.overduePendingEvidence(limit: 100) { try attestation.abandon(pending, tx) }
        }
        var cursor: NodeID?
        repeat {
            let after = cursor
            let page = try await store.read { try $0.nodes(site: nil, group: nil, after: after, limit: Self.pageSize) }
            let silent = try await store.read { [policy, store] snapshot in
                try page.filter { node in
                    guard node.shownState == .trusted, let identity = try snapshot.identity(node.identityID) else {
                        return false
                    }
                    return try Self.isSilent(node, identity, policy, store.clock.startedAt, snapshot)
                }
            }
            for node in silent { try await announce(node.nodeID) }
            cursor = page.count == Self.pageSize ? page.last?.nodeID : nil
        } while cursor != nil
    }

    private static func isSilent(
        _ node: NodeRecord, _ identity: IdentityRecord, _ policy: VerifierPolicy, _ startedAt: Int64,
        _ snapshot: any StoreSnapshot
    ) throws -> Bool {
        let maxAge = policy.maxEvidenceAge(try policy.settings(of: node.group, in: snapshot))
        guard snapshot.now - startedAt > maxAge else { return false }
        let evidence = try snapshot.attestationState(akName: identity.akName)
        return NodeStateRule.state(node, evidence, maxAge: maxAge, now: snapshot.now) == .stale
    }

    /// Decided again in the transaction that writes it: evidence may have come meanwhile.
    private func announce(_ id: NodeID) async throws {
        try await store.write { [policy, store] tx in
            guard var node = try tx.node(id), let identity = try tx.identity(node.identityID),
                node.shownState == .trusted,
                try Self.isSilent(node, identity, policy, store.clock.startedAt, tx)
            else { return }
            let maxAge = policy.maxEvidenceAge(try policy.settings(of: node.group, in: tx))
            let evidence = try tx.attestationState(akName: identity.akName)
            try NodeAnnouncement.update(&node, evidence, maxAge: maxAge, tx)
            try tx.save(node)
            try tx.audit(
                AuditEntry(actor: "verifier", action: "node.stale", subject: id.rawValue, outcome: "success"))
        }
    }
}
