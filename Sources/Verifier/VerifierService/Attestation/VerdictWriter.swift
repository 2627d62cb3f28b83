internal import Appraisal
internal import AssetFingerprints
internal import AttestationMessages
internal import ByteParsing
internal import JSONCoding
internal import ReferenceValues
internal import SecurityEvents

/// Writes everything one appraisal changes, in the transaction of its caller: verdict, node, hot row, history, audit
/// record, events.
struct VerdictWriter: Sendable {
    var evidence: EvidenceCase
    var challenge: ChallengeRecord
    var submission: EvidenceSubmission
    var submissionSHA256: [UInt8]
    var result: AttestationResult
    var resultDigest: [UInt8]
    /// What the hot row becomes, without what this verdict adds.
    var state: AttestationStateRecord
    /// False for a wrong or void nonce: such a fail tells nothing about the node.
    var isSticky: Bool
    var bootKeySPKI: [UInt8]?
    /// Reports that were not the node's last ones.
    var newReports: [FingerprintReportRecord]
    var policy: VerifierPolicy

    private var verdict: Verdict { Verdict(rawValue: result.verdict.rawValue) ?? .error }
    private var id: String { challenge.challengeID }
    private var nodeID: NodeID { evidence.node.nodeID }

    /// - Throws: `ID_NODE_REVOKED` or `ADM_PENDING` when the node's row changed since the evidence was read (ID-27).
    func write(_ tx: any StoreTransaction) throws {
        guard var node = try tx.node(nodeID), node.identityID == evidence.identity.identityID else {
            throw ServiceError(.forbidden, "ADM_UNKNOWN", "the node's identity changed meanwhile")
        }
        try AttestationGate.check(node)
        let unchanged =
            verdict == .pass && resultDigest == state.resultDigest && state.resultVerdictID != nil
            && state.lastVerdict == .pass && newReports.isEmpty
        var state = state
        try insertVerdict(unchanged, &state, tx)
        for report in newReports { try tx.insert(report) }
        switch verdict {
        case .pass: try evidence.planned?.passed(id, by: evidence.policy, node, tx)
        case .fail: try PlannedReboots.withdraw(id, node, tx)
        case .error: break
        }
        try evidence.canary?.note(verdict, id, tx)
        try updateNode(&node, state, unchanged, tx)
        try tx.save(state)
        if unchanged {
            try tx.auditLeaf(Array("\(id) \(nodeID) pass".utf8) + submissionSHA256)
        } else {
            try tx.audit(
                AuditEntry(
                    actor: "node:\(nodeID)", action: "verdict.\(verdict.rawValue)", subject: nodeID.rawValue,
                    outcome: verdict == .pass ? "success" : "failure",
                    detail: [
                        "verdict": id, "reasons": result.reasons.joined(separator: ","),
                        "layer": result.firstBrokenLayer?.rawValue ?? "",
                        "reference": evidence.policy.referenceName ?? "",
                        "submissionSHA256": Hex.encode(submissionSHA256),
                    ]))
            try raiseEvents(node, tx)
        }
    }

    private func insertVerdict(
        _ unchanged: Bool, _ state: inout AttestationStateRecord, _ tx: any StoreTransaction
    ) throws {
        try tx.insert(
            VerdictRecord(
                verdictID: id, nodeID: nodeID, akName: evidence.identity.akName, verdict: verdict,
                atMilliseconds: tx.now, issuedAtMilliseconds: challenge.issuedAtMilliseconds,
                firstBrokenLayer: result.firstBrokenLayer?.rawValue, reasons: result.reasons,
                referenceSet: evidence.policy.referenceName, submissionSHA256: submissionSHA256,
                resetCount: state.counters?.resetCount ?? 0, restartCount: state.counters?.restartCount ?? 0,
                result: unchanged ? nil : try StrictJSON.encode(result),
                sameAs: unchanged ? state.resultVerdictID : nil,
                evidence: unchanged ? nil : try StrictJSON.encode(submission), eventLogSHA256: state.eventLogSHA256))
        if !unchanged {
            // Of older passes only the digest stays; fails keep their evidence.
            if state.lastVerdict == .pass, let older = state.resultVerdictID {
                try tx.forgetEvidence(ofVerdict: older)
            }
            state.resultVerdictID = id
            state.resultDigest = resultDigest
            state.tiers = LayerTiers(
                Dictionary(uniqueKeysWithValues: result.layers.map { ($0.id.rawValue, $0.tier.rawValue) }))
        }
        state.lastVerdictID = id
        state.lastVerdict = verdict
        state.lastVerdictAtMilliseconds = tx.now
        state.referenceSet = evidence.policy.referenceName
        state.labMode = result.labMode
        if verdict == .pass {
            state.lastPassIssuedAtMilliseconds = challenge.issuedAtMilliseconds
            state.lastPassVerdictID = id
            state.bootKeySPKI = bootKeySPKI
        }
    }

    /// `fail` is sticky, `error` changes nothing, a pass proves what nobody proved before (architecture, section 2).
    private func updateNode(
        _ node: inout NodeRecord, _ state: AttestationStateRecord, _ unchanged: Bool, _ tx: any StoreTransaction
    ) throws {
        let before = node
        switch verdict {
        case .pass where node.standing == .unproven: node.standing = .good
        case .fail where isSticky && node.standing != .failed:
            node.standing = .failed
            node.failedVerdictID = id
            try tx.insert(
                StickyFail(
                    nodeID: nodeID, ekName: evidence.identity.ekName, verdictID: id, atMilliseconds: tx.now))
        case .pass, .fail, .error: break
        }
        node.attestRequested = false
        try NodeAnnouncement.update(
            &node, state, maxAge: policy.maxEvidenceAge(evidence.policy.settings), tx)
        if node != before { try tx.save(node) }
    }

    private func raiseEvents(_ node: NodeRecord, _ tx: any StoreTransaction) throws {
        let boot = "\(state.counters?.resetCount ?? 0)/\(state.counters?.restartCount ?? 0)"
        for finding in result.findings where finding.tier == .affirming {
            let severity = SecurityEventCatalogue.severity(finding.id)
            guard finding.waived != true, SecurityEventCatalogue.entries[finding.id] != nil else { continue }
            try raise(finding, severity, "unknown", node, boot, tx)
        }
        let bad = result.findings.filter { $0.tier == .contraindicated || $0.tier == .warning }
        var told: Set<String> = []
        for finding in bad where told.insert(finding.id).inserted {
            try raise(finding, SecurityEventCatalogue.severity(finding.id), "failure", node, boot, tx)
        }
        if verdict == .error {
            for finding in result.findings where finding.tier == .none && told.insert(finding.id).inserted {
                try raise(finding, SecurityEventCatalogue.severity(finding.id), "unknown", node, boot, tx)
            }
        }
    }

    private func raise(
        _ finding: Finding, _ severity: SecurityEventSeverity, _ outcome: String, _ node: NodeRecord, _ boot: String,
        _ tx: any StoreTransaction
    ) throws {
        var fields: [String: String] = [
            "layer": finding.layer.rawValue, "verdict": verdict.rawValue, "verdictID": id,
            "firstBrokenLayer": result.firstBrokenLayer?.rawValue ?? "",
        ]
        fields["pcr"] = finding.pcr.map(String.init)
        fields["event"] = finding.event.map(String.init)
        fields["name"] = finding.name
        fields["expected"] = finding.expected
        fields["seen"] = finding.seen
        fields["reference"] = evidence.policy.referenceName
        try tx.raise(
            EventDraft(
                eventID: finding.id, severity: severity, outcome: outcome, node: nodeID.rawValue, site: node.site,
                message: finding.detail, fields: fields, foldingKey: "\(finding.layer.rawValue) \(boot)"))
    }
}
