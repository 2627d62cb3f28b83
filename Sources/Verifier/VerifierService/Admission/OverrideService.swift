package import AttestationMessages

/// Admits a node for at most 24 h in spite of its evidence: one person proposes, another approves (AD-11).
package struct OverrideService: OverrideUseCases {
    private let store: any TransactionalStore
    private let issuer: any AdmissionIssuer
    private let random: any RandomSource
    private let ledger: OperatorLedger
    /// One operator may approve their own proposal; switched on only by `init`.
    private let labMode: Bool

    package init(
        store: any TransactionalStore, issuer: any AdmissionIssuer, random: any RandomSource, labMode: Bool
    ) {
        self.store = store
        self.issuer = issuer
        self.random = random
        self.labMode = labMode
        ledger = OperatorLedger(store: store)
    }

    package func propose(
        _ proposal: OverrideProposal, for id: NodeID, peer: OperatorPeer
    ) async throws -> OverrideView {
        let until = proposal.untilMilliseconds
        return try await ledger.perform(
            peer, "override.propose", subject: id.rawValue,
            detail: ["reason": proposal.reason, "untilMilliseconds": String(until)]
        ) { [random] tx in
            let reason = try OperatorInput.reason(proposal.reason)
            let (node, identity) = try Self.overridable(id, tx)
            // The same bound as at the approval, so that nobody is asked for what would be refused.
            try OverrideRule.checkEnd(until, now: tx.now)
            if let open = try tx.openOverride(of: id) {
                guard let over = try OverrideRule.endReason(open, tx) else {
                    throw ServiceError(
                        .conflict, "OVERRIDE_STATE", "\(open.overrideID) of \(id) is \(open.status.rawValue); end it")
                }
                try OverrideEnding.endByVerifier(open, over, tx)
            }
            let record = OverrideRecord(
                overrideID: Identifier.make(at: tx.now, random), nodeID: id, akName: identity.akName, site: node.site,
                status: .proposed, reason: reason, untilMilliseconds: until, proposedBy: peer.name,
                proposedByKeySHA256: peer.keySHA256, proposedAtMilliseconds: tx.now)
            try tx.save(record)
            try tx.announce(
                "ADM_OVERRIDE_PROPOSED", by: peer, node: node, "\(peer.name) proposes to admit \(id) by override",
                ["override": record.overrideID, "reason": reason, "untilMilliseconds": String(until)])
            return record.view
        }
    }

    package func approve(
        _ overrideID: String, of id: NodeID, _ request: OverrideActRequest, peer: OperatorPeer
    ) async throws -> OverrideView {
        let (record, now) = try await ledger.perform(
            peer, "override.approve", subject: id.rawValue,
            detail: ["override": overrideID, "reason": request.reason]
        ) { [labMode] tx in
            let reason = try OperatorInput.reason(request.reason)
            var record = try Self.existing(overrideID, of: id, tx)
            guard record.status == .proposed else { throw Self.wrongStatus(record) }
            record.labMode = try FourEyes.check(
                proposer: record.proposedBy, proposerKey: record.proposedByKeySHA256, approver: peer,
                labMode: labMode)
            _ = try Self.overridable(id, tx)
            try OverrideRule.checkEnd(record.untilMilliseconds, now: tx.now)
            if let over = try OverrideRule.endReason(record, tx) {
                throw ServiceError(.conflict, "OVERRIDE_STATE", "\(over); propose it anew")
            }
            record.status = .active
            record.approvedBy = peer.name
            record.approvedByKeySHA256 = peer.keySHA256
            record.approvedAtMilliseconds = tx.now
            try tx.save(record)
            try OverrideEnding.announce(record, actor: peer.name, "started", peer.name, tx, reason: reason)
            return (record, tx.now)
        }
        var view = record.view
        if let statement = record.statement(now: now) { view.token = try await issuer.overrideToken(statement) }
        return view
    }

    package func end(
        _ overrideID: String, of id: NodeID, _ request: OverrideActRequest, peer: OperatorPeer
    ) async throws -> OverrideView {
        try await ledger.perform(
            peer, "override.end", subject: id.rawValue,
            detail: ["override": overrideID, "reason": request.reason]
        ) { tx in
            let reason = try OperatorInput.reason(request.reason)
            let record = try Self.existing(overrideID, of: id, tx)
            guard record.status != .ended else { throw Self.wrongStatus(record) }
            return try OverrideEnding.end(record, by: peer.name, reason: reason, tx).view
        }
    }

    package func overrides(
        open: Bool?, node: NodeID?, cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<OverrideView> {
        let limit = try OperatorInput.limit(limit)
        let before = try OperatorInput.identifierCursor(cursor)
        return try await ledger.perform(peer, "override.list", subject: node?.rawValue) { tx in
            let records = try tx.overrides(open: open, node: node, before: before, limit: limit)
            return Page(
                items: records.map(\.view), nextCursor: records.count == limit ? records.last?.overrideID : nil)
        }
    }

    // MARK: Helpers

    /// A node whose identity stands: whoever is pending or revoked is nobody that one could vouch for.
    private static func overridable(
        _ id: NodeID, _ snapshot: any StoreSnapshot
    ) throws -> (NodeRecord, IdentityRecord) {
        guard let node = try snapshot.node(id), let identity = try snapshot.identity(node.identityID) else {
            throw ServiceError(.unknown, "API_UNKNOWN", "no node \(id)")
        }
        guard node.lifecycle != .revoked else {
            throw ServiceError(.forbidden, "ID_NODE_REVOKED", "\(id) is revoked, which is final")
        }
        guard node.lifecycle == .enrolled else {
            throw ServiceError(.conflict, "NODE_STATE", "\(id) is \(node.lifecycle.rawValue), not enrolled")
        }
        return (node, identity)
    }

    private static func existing(
        _ overrideID: String, of id: NodeID, _ snapshot: any StoreSnapshot
    ) throws -> OverrideRecord {
        guard let record = try snapshot.override(overrideID), record.nodeID == id else {
            throw ServiceError(.unknown, "API_UNKNOWN", "no override \(overrideID) of \(id)")
        }
        return record
    }

    private static func wrongStatus(_ record: OverrideRecord) -> ServiceError {
        ServiceError(.conflict, "OVERRIDE_STATE", "\(record.overrideID) is \(record.status.rawValue)")
    }
}
