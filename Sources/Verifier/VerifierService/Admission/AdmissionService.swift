package import AttestationMessages
internal import ByteParsing

/// Answers who may be on the network. Each decision is read in one snapshot together with what it rests on (AD-04).
package struct AdmissionService: AdmissionUseCases {
    private let store: any TransactionalStore
    private let issuer: any AdmissionIssuer
    private let policy: VerifierPolicy
    /// Life of an answer: the EAR's own, milliseconds.
    private static let answerLife: Int64 = 60_000
    private static let maxPageSize = 500

    package init(
        store: any TransactionalStore, issuer: any AdmissionIssuer, policy: VerifierPolicy = VerifierPolicy()
    ) {
        self.store = store
        self.issuer = issuer
        self.policy = policy
    }

    private struct Facts: Sendable {
        var rule: AdmissionRule
        var node: NodeRecord?
        var evidence: AttestationStateRecord?
        var override: OverrideRecord?
        var now: Int64
    }

    private func facts(of id: NodeID, _ snapshot: any StoreSnapshot) throws -> Facts {
        guard let node = try snapshot.node(id), let identity = try snapshot.identity(node.identityID) else {
            return Facts(
                rule: AdmissionRule(node: nil, evidence: nil, lastPass: nil, maxAge: 0, now: snapshot.now),
                now: snapshot.now)
        }
        let evidence = try snapshot.attestationState(akName: identity.akName)
        let lastPass = try evidence?.lastPassVerdictID.flatMap { try snapshot.verdict($0) }
        let override = try OverrideRule.holding(node, akName: identity.akName, snapshot)
        let maxAge = policy.maxEvidenceAge(try policy.settings(of: node.group, in: snapshot))
        return Facts(
            rule: AdmissionRule(
                node: node, evidence: evidence, lastPass: lastPass, maxAge: maxAge, now: snapshot.now,
                override: override),
            node: node, evidence: evidence, override: override, now: snapshot.now)
    }

    package func admission(of id: NodeID, audience: String, asker: AdmissionAsker) async throws -> AdmissionReply {
        if case .node(let peer) = asker {
            guard peer.nodeID == id else {
                throw ServiceError(.forbidden, "API_IDENTITY", "\(peer.nodeID) asked for \(id)")
            }
            let isOwn = try await store.read { snapshot in
                try snapshot.node(id).flatMap { try snapshot.identity($0.identityID) }?.nodeKeySPKI == peer.spki
            }
            guard isOwn else { throw ServiceError(.forbidden, "ID_CHANNEL_BINDING", "not the enrolled node key") }
        }
        let facts = try await store.read { try self.facts(of: id, $0) }
        guard facts.node != nil else {
            return AdmissionReply(
                nodeID: id, decision: .deny, reason: facts.rule.reason, ear: nil, admissionCertificates: [],
                verdictID: nil, validUntilMilliseconds: nil)
        }
        var reply = summary(id, facts)
        if let statement = facts.override?.statement(now: facts.now) {
            reply.override?.token = try await issuer.overrideToken(statement)
        }
        reply.ear = try await issuer.attestationResult(statement(id, audience, facts))
        if facts.rule.decision == .admit, let key = facts.evidence?.bootKeySPKI, let end = facts.rule.validUntil {
            reply.admissionCertificates = try issuer.admissionCertificate(
                node: id, bootKeySPKI: key, evidenceAgeEndsMilliseconds: end, nowMilliseconds: facts.now
            ).map(WireBytes.init)
        }
        return reply
    }

    private func statement(_ id: NodeID, _ audience: String, _ facts: Facts) -> AdmissionStatement {
        let evidence = facts.evidence
        return AdmissionStatement(
            node: id, audience: audience, decision: facts.rule.decision, reason: facts.rule.reason,
            verdictID: evidence?.lastVerdictID, tiers: evidence?.tiers.byLayer ?? [:],
            akName: Hex.encode(evidence?.akName ?? []), resetCount: evidence?.counters?.resetCount,
            restartCount: evidence?.counters?.restartCount,
            bootKeySPKI: facts.rule.decision == .admit ? evidence?.bootKeySPKI : nil,
            referenceSet: evidence?.referenceSet,
            labMode: (evidence?.labMode ?? false) || (facts.override?.labMode ?? false),
            issuedAtMilliseconds: facts.now, override: facts.override?.statement(now: facts.now))
    }

    private func summary(_ id: NodeID, _ facts: Facts) -> AdmissionReply {
        AdmissionReply(
            nodeID: id, decision: facts.rule.decision, reason: facts.rule.reason, ear: nil,
            admissionCertificates: [], verdictID: facts.evidence?.lastVerdictID,
            validUntilMilliseconds: min(facts.now + Self.answerLife, facts.rule.validUntil ?? Int64.max),
            admittedForSeconds: facts.rule.validUntil.map { Int(clamping: max(0, $0 - facts.now) / 1000) },
            override: facts.override?.view)
    }

    /// The decisions without credentials, ascending by node id.
    package func admissions(cursor: String?, limit: Int, peer: OperatorPeer) async throws -> Page<AdmissionReply> {
        let after = try cursor.map { text in
            guard let id = NodeID(text) else { throw ServiceError(.syntax, "API_CURSOR", "not a cursor of ours") }
            return id
        }
        let count = min(max(limit, 1), Self.maxPageSize)
        return try await store.read { snapshot in
            let nodes = try snapshot.nodes(site: nil, group: nil, after: after, limit: count)
            let items = try nodes.map { summary($0.nodeID, try facts(of: $0.nodeID, snapshot)) }
            return Page(items: items, nextCursor: nodes.count == count ? nodes.last?.nodeID.rawValue : nil)
        }
    }
}
