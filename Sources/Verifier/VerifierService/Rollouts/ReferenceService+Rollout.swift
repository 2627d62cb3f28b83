package import AttestationMessages
internal import Crypto

/// Activation in stages: 1 %, 10 %, all (decision record 0023).
extension ReferenceService {
    package func startRollout(
        _ name: String, version: Int, _ request: RolloutRequest, peer: OperatorPeer
    ) async throws -> RolloutView {
        let name = try OperatorInput.name(name, "reference set")
        do {
            let preview = try await previewBeforeActivation(name, version)
            return try await store.write { tx in try start(name, version, request, preview, peer, tx) }
        } catch let error as ServiceError {
            if error.kind != .unavailable {
                try await ledger.refuse(error, peer, "rollout.start", "\(name)@\(version)")
            }
            throw error
        }
    }

    private func start(
        _ name: String, _ version: Int, _ request: RolloutRequest, _ preview: ReferencePreview?, _ peer: OperatorPeer,
        _ tx: any StoreTransaction
    ) throws -> RolloutView {
        let reason = try OperatorInput.reason(request.reason)
        let ticket = try request.ticket.map { try OperatorInput.reason($0, required: false) }
        let dwell = request.dwellMilliseconds ?? RolloutRequest.usualDwell
        guard (1...RolloutRequest.longestDwell).contains(dwell) else {
            throw ServiceError(.invalid, "ROLLOUT_DWELL", "a stage takes at most 7 days")
        }
        let set = try Self.existing(name, version, tx)
        try PlanRule.check(.activate, on: set, tx)
        try Self.checkContent(named: request.documentSHA256, stored: set.documentSHA256, document: set.document)
        try Self.demandActivatable(set, tx)
        guard try tx.activeReference(group: set.group) != nil else {
            throw ServiceError(.conflict, "ROLLOUT_GROUP", "no set is active in group \(set.group): activate it whole")
        }
        let note = try accept(
            preview, set,
            ReferenceActRequest(
                documentSHA256: request.documentSHA256, reason: reason, acceptFailures: request.acceptFailures), peer,
            tx)
        let nodes = try Self.order(of: set, tx)
        guard !nodes.isEmpty else {
            throw ServiceError(.conflict, "ROLLOUT_GROUP", "group \(set.group) has no nodes: activate it whole")
        }
        let rollout = RolloutRecord(
            group: set.group, referenceName: name, referenceVersion: version, stageSinceMilliseconds: tx.now,
            dwellMilliseconds: dwell, size: nodes.count, reason: reason, ticket: ticket, startedBy: peer.name,
            startedAtMilliseconds: tx.now)
        try tx.insert(rollout, nodes: nodes)
        let fields = [
            "set": rollout.referenceSet, "group": set.group, "nodes": String(nodes.count), "reason": reason,
            "ticket": ticket ?? "", "note": note ?? "",
        ]
        try tx.audit(
            AuditEntry(
                actor: "operator:\(peer.name)", action: "rollout.start", subject: rollout.referenceSet,
                outcome: "success", detail: fields.merging(OperatorLedger.origin(peer)) { $1 }))
        try tx.announce(
            "ROLLOUT_STARTED", by: peer,
            "\(rollout.referenceSet) judges 1 % of \(nodes.count) nodes of group \(set.group), by \(peer.name)", fields)
        return try Self.rollout(name, tx)
    }

    /// The order in which nodes become canaries: trusted ones first, because only they can lose something; then by a hash,
    /// so that the same set meets the same nodes and another set others.
    private static func order(of set: ReferenceRecord, _ tx: any StoreTransaction) throws -> [NodeID] {
        try PlanRule.nodes(judgedBy: set.group, site: nil, nodeGroup: nil, limit: .max, tx).map { node in
            let text = "\(set.name)@\(set.version) \(node.nodeID)"
            return (node.shownState == .trusted ? 0 : 1, sha256(Array(text.utf8)), node.nodeID)
        }.sorted { left, right in
            left.0 == right.0 ? left.1.lexicographicallyPrecedes(right.1) : left.0 < right.0
        }.map(\.2)
    }

    package func rollout(_ name: String, peer: OperatorPeer) async throws -> RolloutView {
        let name = try OperatorInput.name(name, "reference set")
        return try await ledger.perform(peer, "rollout.show", subject: name) { tx in try Self.rollout(name, tx) }
    }

    package func rollouts(
        open: Bool?, cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<RolloutView> {
        let limit = try OperatorInput.limit(limit)
        let cursor = try OperatorInput.numberCursor(cursor)
        return try await ledger.perform(peer, "rollout.list", subject: open == true ? "open" : "all") { tx in
            let records = try tx.rollouts(open: open, before: cursor, limit: limit + 1)
            let page = records.prefix(limit)
            return Page(
                items: try page.map { $0.view(try tx.rolloutCounts($0)) },
                nextCursor: records.count > limit ? page.last.map { String($0.number) } : nil)
        }
    }

    private static func rollout(_ name: String, _ snapshot: any StoreSnapshot) throws -> RolloutView {
        guard let rollout = try snapshot.latestRollout(of: name) else {
            throw ServiceError(.unknown, "API_UNKNOWN", "no staged activation of \(name)")
        }
        return rollout.view(try snapshot.rolloutCounts(rollout))
    }

    package func haltRollout(
        _ name: String, _ request: ReferenceRollbackRequest, peer: OperatorPeer
    ) async throws -> RolloutHalt {
        let name = try OperatorInput.name(name, "reference set")
        do {
            let halted = try await store.write { tx in
                let reason = try OperatorInput.reason(request.reason)
                let ticket = try request.ticket.map { try OperatorInput.reason($0, required: false) }
                guard let rollout = try tx.latestRollout(of: name), rollout.status == .open else {
                    throw ServiceError(.conflict, "REF_STATUS", "no activation of \(name) is under way")
                }
                try RolloutSteps(initiator: Initiator(peer: peer)).halt(rollout, reason, ticket: ticket, tx)
                return rollout
            }
            let (cleared, stillFailed) = try await settle(halted, request.reason, Initiator(peer: peer))
            return RolloutHalt(
                rollout: try await store.read { try Self.rollout(name, $0) }, cleared: cleared,
                stillFailed: stillFailed)
        } catch let error as ServiceError {
            if error.kind != .unavailable { try await ledger.refuse(error, peer, "rollout.halt", name) }
            throw error
        }
    }

    /// Clears the canaries that only the halted set failed. Done again after a crash in its middle.
    func settle(
        _ rollout: RolloutRecord, _ reason: String, _ initiator: Initiator
    ) async throws -> (cleared: [NodeID], stillFailed: [NodeID]) {
        let (bad, good) = try await store.read { snapshot in
            (
                try Self.existing(rollout.referenceName, rollout.referenceVersion, snapshot),
                try snapshot.activeReference(group: rollout.group)
            )
        }
        guard let good else {
            throw ServiceError(.unavailable, "STORE_POISON", "group \(rollout.group) has no active set")
        }
        let nodes = try await clearFails(under: bad, by: good, reason, initiator)
        try await store.write { tx in
            guard var now = try tx.unfinishedRollouts().first(where: { $0.number == rollout.number }) else { return }
            now.isSettled = true
            try tx.save(now)
        }
        return nodes
    }
}
