internal import AttestationMessages
internal import SecurityEvents

/// The acts on one node, inside the transaction that records them.
struct NodeActs: Sendable {
    let views: NodeViews
    let peer: OperatorPeer
    let request: NodeActRequest

    func perform(_ act: NodeAct, on existing: NodeRecord, _ tx: any StoreTransaction) throws -> NodeView {
        var node = existing
        // Revocation is final: nothing an operator does brings such a node back, or makes room for it again (ID-27).
        guard node.lifecycle != .revoked else {
            throw ServiceError(.forbidden, "ID_NODE_REVOKED", "\(node.nodeID) is revoked, which is final")
        }
        let mayBeSilent = act == .approve || act == .attest || act == .resume
        let reason = try OperatorInput.reason(request.reason, required: !mayBeSilent)
        switch act {
        case .approve:
            try demand(node, .pending)
            let held = node.pendingReason
            guard held != Self.awaitsTPM else {
                throw ServiceError(
                    .conflict, "NODE_STATE", "\(node.nodeID) has not enrolled with its new TPM yet")
            }
            node.lifecycle = .enrolled
            node.pendingReason = nil
            node.pendingUntilMilliseconds = nil
            try save(&node, tx)
            try tx.announce(
                SecurityEventID.nodeApproved, by: peer, node: node, "\(node.nodeID) approved by \(peer.name)",
                ["reason": reason, "approved": held ?? ""])
        case .suspend:
            try demand(node, .enrolled)
            node.lifecycle = .suspended
            try save(&node, tx)
            try tx.announce(
                SecurityEventID.nodeSuspended, by: peer, node: node, "\(node.nodeID) suspended by \(peer.name)",
                ["reason": reason])
        case .resume:
            try demand(node, .suspended)
            node.lifecycle = .enrolled
            try save(&node, tx)
            try tx.announce(
                SecurityEventID.nodeResumed, by: peer, node: node, "\(node.nodeID) resumed by \(peer.name)",
                ["reason": reason])
        case .revoke:
            node.lifecycle = .revoked
            node.pendingReason = nil
            node.pendingUntilMilliseconds = nil
            try tx.voidChallenge(of: node.nodeID)
            if let pending = try tx.pendingEvidence(of: node.nodeID) {
                _ = try tx.deletePendingEvidence(pending.evidenceID)
            }
            try tx.deleteManifestEntry(node.nodeID)
            try save(&node, tx)
            try tx.announce(
                SecurityEventID.nodeRevoked, by: peer, node: node, "\(node.nodeID) revoked by \(peer.name)",
                ["reason": reason])
        case .clear: try clear(&node, reason, tx)
        case .remove:
            let view = try views.view(node, tx)
            // Not the sticky fails and the counters: they follow the EK and the node id (AD-12).
            try tx.deleteManifestEntry(node.nodeID)
            try tx.deleteProposal(kind: Self.replacement, subject: node.nodeID.rawValue)
            try tx.deleteNode(node.nodeID)
            try tx.announce(
                SecurityEventID.nodeRemoved, by: peer, node: node, "\(node.nodeID) removed by \(peer.name)",
                ["reason": reason])
            return view
        case .replaceTPM: try replaceTPM(&node, reason, tx)
        case .expectReboot: try expectReboot(node, reason, tx)
        case .attest:
            node.attestRequested = true
            try save(&node, tx)
            try tx.announce(
                "NODE_ATTEST_REQUESTED", by: peer, node: node, "\(peer.name) asks \(node.nodeID) for evidence")
        }
        return try views.view(node, tx)
    }

    // MARK: Announced reboots

    /// Longer than a weekend's maintenance, and too short to forget that nothing alarms.
    static let longestAnnouncement: Int64 = 7 * 86_400_000

    private func expectReboot(_ node: NodeRecord, _ reason: String, _ tx: any StoreTransaction) throws {
        guard let until = request.untilMilliseconds else {
            guard try tx.expectedReboot(of: node.nodeID) != nil else {
                throw ServiceError(.conflict, "NODE_STATE", "no reboot of \(node.nodeID) is announced")
            }
            try tx.deleteExpectedReboot(of: node.nodeID)
            try tx.announce(
                SecurityEventID.bootAnnounced, by: peer, node: node,
                "\(peer.name) takes the announced reboot of \(node.nodeID) back", ["reason": reason])
            return
        }
        guard until > tx.now, until - tx.now <= Self.longestAnnouncement else {
            throw ServiceError(.invalid, "NODE_REBOOT_UNTIL", "an announced reboot ends within the next 7 days")
        }
        try tx.save(
            ExpectedReboot(
                nodeID: node.nodeID, untilMilliseconds: until, reason: reason, announcedBy: peer.name,
                announcedAtMilliseconds: tx.now))
        try tx.announce(
            SecurityEventID.bootAnnounced, by: peer, node: node,
            "\(peer.name) announces reboots of \(node.nodeID)", ["reason": reason, "untilMilliseconds": String(until)])
    }

    // MARK: Clear

    /// Names the verdict, so that nobody clears a fail that they did not look at (AD-05). The node is unproven after it:
    /// only its next pass makes it good.
    private func clear(_ node: inout NodeRecord, _ reason: String, _ tx: any StoreTransaction) throws {
        guard node.standing == .failed, let failed = node.failedVerdictID else {
            throw ServiceError(.conflict, "NODE_STATE", "\(node.nodeID) has no failed verdict")
        }
        guard let named = request.verdictID else {
            throw ServiceError(.invalid, "NODE_CLEAR_VERDICT", "name the verdict that is cleared")
        }
        guard named == failed else {
            throw ServiceError(.conflict, "NODE_CLEAR_VERDICT", "the verdict to clear is \(failed), not \(named)")
        }
        guard let identity = try tx.identity(node.identityID) else {
            throw ServiceError(.unavailable, "STORE_POISON", "the identity of \(node.nodeID) is missing")
        }
        try tx.clearStickyFails(node: node.nodeID, ekName: identity.ekName)
        node.standing = .unproven
        node.failedVerdictID = nil
        try save(&node, tx)
        try tx.announce(
            SecurityEventID.nodeCleared, by: peer, node: node,
            "verdict \(failed) of \(node.nodeID) cleared by \(peer.name)", ["reason": reason, "verdict": failed])
    }

    // MARK: Replacement of the TPM

    private static let replacement = "replace-tpm"
    private static let awaitsTPM = "ID_EK_REPLACED"

    /// The first call proposes the new EK, the call of a second person approves exactly that (ID-26).
    private func replaceTPM(_ node: inout NodeRecord, _ reason: String, _ tx: any StoreTransaction) throws {
        let subject = node.nodeID.rawValue
        if let proposal = try tx.proposal(kind: Self.replacement, subject: subject) {
            let proposed = try ManifestEntryCodec.decode(proposal.document)
            if let named = request.replacement, named != proposed {
                // Another EK is another proposal, for which again somebody else is needed.
                try propose(named, for: node, reason, tx)
                return
            }
            // Whoever proposed it repeats the call: nothing changes, and the refusal says who is waited for.
            _ = try FourEyes.check(
                proposer: proposal.proposedBy, proposerKey: proposal.proposedByKeySHA256, approver: peer,
                labMode: false)
            guard peer.roles.contains(.approver) else {
                throw ServiceError(.forbidden, "API_ROLE", "approving a replacement needs the role approver")
            }
            try approve(proposed, &node, reason, proposal, tx)
        } else {
            guard let entry = request.replacement else {
                throw ServiceError(.invalid, "NODE_REPLACEMENT", "name the new EK")
            }
            try propose(entry, for: node, reason, tx)
        }
    }

    private func propose(
        _ entry: ManifestEntry, for node: NodeRecord, _ reason: String, _ tx: any StoreTransaction
    ) throws {
        guard peer.roles.contains(.enroller) else {
            throw ServiceError(.forbidden, "API_ROLE", "proposing a replacement needs the role enroller")
        }
        guard entry.nodeID == node.nodeID else {
            throw ServiceError(.invalid, "NODE_REPLACEMENT", "the entry is for \(entry.nodeID)")
        }
        if let problem = ManifestImporter.problem(of: entry) {
            throw ServiceError(.invalid, "NODE_REPLACEMENT", problem)
        }
        guard entry.token == nil else {
            throw ServiceError(.invalid, "NODE_REPLACEMENT", "a replacement has no token")
        }
        try tx.save(
            ProposalRecord(
                kind: Self.replacement, subject: node.nodeID.rawValue, document: try ManifestEntryCodec.encode(entry),
                reason: reason, proposedBy: peer.name, proposedByKeySHA256: peer.keySHA256,
                atMilliseconds: tx.now))
        try tx.announce(
            "NODE_TPM_REPLACEMENT", by: peer, node: node,
            "\(peer.name) proposes another TPM for \(node.nodeID)", ["reason": reason])
    }

    private func approve(
        _ entry: ManifestEntry, _ node: inout NodeRecord, _ reason: String, _ proposal: ProposalRecord,
        _ tx: any StoreTransaction
    ) throws {
        if let identity = try tx.identity(node.identityID), identity.status == .active {
            try tx.retireIdentity(identity.identityID)
        }
        try tx.voidChallenge(of: node.nodeID)
        if let pending = try tx.pendingEvidence(of: node.nodeID) {
            _ = try tx.deletePendingEvidence(pending.evidenceID)
        }
        try tx.save(ManifestImporter.record(entry, peer: peer, random: nil, now: tx.now))
        try tx.deleteProposal(kind: Self.replacement, subject: node.nodeID.rawValue)
        node.lifecycle = .pending
        node.pendingReason = Self.awaitsTPM
        node.pendingUntilMilliseconds = nil
        // A fail follows the node id too; anything else has to be proved anew by the new TPM.
        if node.standing == .good { node.standing = .unproven }
        try save(&node, tx)
        try tx.announce(
            SecurityEventID.tpmReplaced, by: peer, node: node,
            "another TPM for \(node.nodeID), proposed by \(proposal.proposedBy), approved by \(peer.name)",
            ["reason": reason, "proposedBy": proposal.proposedBy, "proposalReason": proposal.reason])
    }

    // MARK: Helpers

    private func demand(_ node: NodeRecord, _ lifecycle: NodeLifecycle) throws {
        guard node.lifecycle == lifecycle else {
            throw ServiceError(
                .conflict, "NODE_STATE", "\(node.nodeID) is \(node.lifecycle.rawValue), not \(lifecycle.rawValue)")
        }
    }

    private func save(_ node: inout NodeRecord, _ tx: any StoreTransaction) throws {
        try views.refresh(&node, tx)
        try tx.save(node)
    }
}
