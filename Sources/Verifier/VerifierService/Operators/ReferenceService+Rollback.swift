internal import Appraisal
package import AttestationMessages
internal import SecurityEvents

/// Back to the version before, in one command (decision record 0020).
extension ReferenceService {
    package func rollback(
        _ name: String, _ request: ReferenceRollbackRequest, peer: OperatorPeer
    ) async throws -> ReferenceRollback {
        let name = try OperatorInput.name(name, "reference set")
        do {
            let (bad, good) = try await store.write { [policy] tx in
                let sets = try Self.rollback(name, request, peer, tx)
                try ReferenceSignatures.demand(sets.good, policy, tx)
                return sets
            }
            let (cleared, stillFailed) = try await clearFails(
                under: bad, by: good, request.reason, Initiator(peer: peer))
            return ReferenceRollback(
                rolledBack: Self.view(bad), active: Self.view(good), cleared: cleared, stillFailed: stillFailed)
        } catch let error as ServiceError {
            if error.kind != .unavailable { try await ledger.refuse(error, peer, "reference.rollback", name) }
            throw error
        }
    }

    /// No version falls by an upload (RV-05): what comes back is what two persons approved and what was active before;
    /// what is rolled back stays retired for ever, and still counts as the newest.
    private static func rollback(
        _ name: String, _ request: ReferenceRollbackRequest, _ peer: OperatorPeer, _ tx: any StoreTransaction
    ) throws -> (bad: ReferenceRecord, good: ReferenceRecord) {
        let reason = try OperatorInput.reason(request.reason)
        let ticket = try request.ticket.map { try OperatorInput.reason($0, required: false) }
        let active = try tx.references().filter { $0.name == name && $0.status == .active }
        guard var bad = active.first, active.count == 1 else {
            throw ServiceError(.conflict, "REF_STATUS", "\(active.count) versions of \(name) are active, not one")
        }
        if let rollout = try tx.openRollout(group: bad.group) { throw PlanRule.inRollout(rollout) }
        guard var good = try tx.referenceBefore(group: bad.group) else {
            throw ServiceError(.conflict, "REF_NO_PREVIOUS", "no set was active in group \(bad.group) before")
        }
        try checkContent(named: hex(good.documentSHA256), stored: good.documentSHA256, document: good.document)
        if let end = good.validUntilMilliseconds, end <= tx.now {
            throw ServiceError(.conflict, "REF_EXPIRED", "\(good.name)@\(good.version) is past its end")
        }
        bad.status = .retired
        try tx.save(bad)
        good.status = .active
        try tx.save(good)
        try record("reference.rollback", "rolled-back", bad, peer, reason, ticket, nil, tx)
        try record(
            "reference.rollback", "restored", good, peer, reason, ticket, "instead of \(bad.name)@\(bad.version)", tx)
        try tx.announce(
            "REF_ROLLED_BACK", by: peer,
            "\(bad.name)@\(bad.version) rolled back to \(good.name)@\(good.version) by \(peer.name)",
            [
                "referenceSet": "\(bad.name)@\(bad.version)", "restored": "\(good.name)@\(good.version)",
                "group": bad.group, "reason": reason, "ticket": ticket ?? "",
            ])
        return (bad, good)
    }

    // MARK: Fails that were the set's

    /// All that one node must pass again before its fail is cleared.
    private struct Case: Sendable {
        var failedVerdictID: String
        var lastVerdictID: String?
        /// Nil where some of it is no longer kept.
        var fails: [(id: String, appraisal: StoredAppraisal)]?
    }

    private static let longestSeries = 200

    func clearFails(
        under bad: ReferenceRecord, by good: ReferenceRecord, _ reason: String, _ initiator: Initiator
    ) async throws -> (cleared: [NodeID], stillFailed: [NodeID]) {
        let memory = AppraisalMemory(bootCapacity: 64)
        let lists = MeasurementListAppraiser(store: store)
        var policies: [String: GroupPolicy] = [:]
        var cleared: [NodeID] = []
        var stillFailed: [NodeID] = []
        let set = "\(bad.name)@\(bad.version)"
        try await JudgedFleet(store: store, group: good.group).forEach { node in
            guard node.standing == .failed else { return }
            let known = policies[node.group]
            let (policy, found, now) = try await store.read { [general = self.policy] snapshot in
                (
                    try known ?? GroupPolicy(group: node.group, policy: general, in: snapshot),
                    try Self.fails(of: node, under: set, snapshot), snapshot.now
                )
            }
            policies[node.group] = policy
            guard let found else { return }
            var passes = found.fails != nil
            for fail in found.fails ?? [] where passes {
                passes = try await fail.appraisal.appraise(policy, memory, lists, now: now)?.verdict == .pass
            }
            if passes, try await clear(node.nodeID, found, good, reason, initiator) {
                cleared.append(node.nodeID)
            } else {
                stillFailed.append(node.nodeID)
            }
        }
        return (cleared, stillFailed)
    }

    /// Every fail from the one that stuck to the last.
    ///
    /// - Returns: nil where the node failed under other references.
    private static func fails(of node: NodeRecord, under set: String, _ snapshot: any StoreSnapshot) throws -> Case? {
        guard let failedID = node.failedVerdictID, try snapshot.verdict(failedID)?.referenceSet == set,
            let identity = try snapshot.identity(node.identityID)
        else { return nil }
        let state = try snapshot.attestationState(akName: identity.akName)
        var found = Case(failedVerdictID: failedID, lastVerdictID: state?.lastVerdictID, fails: nil)
        var fails: [(id: String, appraisal: StoredAppraisal)] = []
        for verdict in try snapshot.verdicts(of: node.nodeID, before: nil, limit: longestSeries) {
            if verdict.verdict == .fail {
                guard verdict.referenceSet == set, let kept = try StoredAppraisal(verdict, identity, snapshot) else {
                    return found
                }
                fails.append((verdict.verdictID, kept))
            }
            if verdict.verdictID == failedID {
                found.fails = fails
                break
            }
        }
        return found
    }

    /// Decided again in the transaction that writes it: evidence, or another set, may have come meanwhile. The node is
    /// unproven after it, as after `node clear`; its next pass makes it good, and is asked for at once.
    private func clear(
        _ id: NodeID, _ found: Case, _ good: ReferenceRecord, _ reason: String, _ initiator: Initiator
    ) async throws -> Bool {
        let examined = Set(found.fails?.map(\.id) ?? [])
        return try await store.write { [policy] tx in
            guard var node = try tx.node(id), node.standing == .failed, node.failedVerdictID == found.failedVerdictID,
                let identity = try tx.identity(node.identityID),
                let active = try tx.activeReference(group: good.group), active.name == good.name,
                active.version == good.version
            else { return false }
            let state = try tx.attestationState(akName: identity.akName)
            let sticky = try tx.stickyFails(node: id, ekName: identity.ekName)
            guard state?.lastVerdictID == found.lastVerdictID,
                sticky.allSatisfy({ examined.contains($0.verdictID) })
            else { return false }
            try tx.clearStickyFails(node: id, ekName: identity.ekName)
            node.standing = .unproven
            node.failedVerdictID = nil
            node.attestRequested = true
            try NodeAnnouncement.update(
                &node, state, maxAge: policy.maxEvidenceAge(try policy.settings(of: node.group, in: tx)), tx)
            try tx.save(node)
            let fields = [
                "verdict": found.failedVerdictID, "reason": reason, "reference": "\(good.name)@\(good.version)",
            ]
            try tx.audit(
                AuditEntry(
                    actor: initiator.actor, action: "node.clear-by-rollback", subject: id.rawValue,
                    outcome: "success", detail: fields.merging(initiator.origin) { $1 }))
            try tx.announce(
                SecurityEventID.nodeCleared, by: initiator, node: node,
                "verdict \(found.failedVerdictID) of \(id) cleared: its evidence passes under the restored references",
                fields)
            return true
        }
    }

    package func history(
        ofReference name: String, peer: OperatorPeer
    ) async throws -> Page<ReferenceHistoryEntry> {
        let name = try OperatorInput.name(name, "reference set")
        return try await ledger.perform(peer, "reference.history", subject: name) { tx in
            _ = try Self.existing(name, nil, tx)
            return Page(items: try tx.referenceHistory(name))
        }
    }
}
