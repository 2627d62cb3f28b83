internal import Appraisal
internal import AttestationMessages
internal import JSONCoding
internal import ReferenceValues

/// Evidence that ends without an appraisal: an `error`, which refreshes nothing (AD-06).
extension AttestationService {
    /// Runs one step towards a verdict. A refusal gets its audit record; an error that nobody foresaw ends the evidence
    /// with a stored `error`, so that it can neither pass later nor be asked for again.
    ///
    /// - Parameter taking: the submission and its digest, where the step may use the challenge up.
    /// - Throws: the unforeseen error, where the evidence has its verdict already or belongs to nobody.
    func judging(
        _ id: String, _ peer: NodePeer, _ action: String, taking: (EvidenceSubmission, [UInt8])?,
        _ step: () async throws -> EvidenceReply
    ) async throws -> EvidenceReply {
        do { return try await recordingRefusals(action, peer, step) } catch let error as ServiceError {
            throw error
        } catch let error as CancellationError { throw error } catch {
            let detail = "the appraisal ended by an error: \(error)"
            let ended = try await store.write { tx in
                try end(id, peer, taking, Finding(FindingID.appraisalFailed, .none, .tpmIdentity, detail: detail), tx)
            }
            guard let ended else { throw error }
            return reply(id, .error, ended, nil)
        }
    }

    /// - Returns: the node's attestation interval in seconds; nil where nothing was open.
    private func end(
        _ id: String, _ peer: NodePeer, _ taking: (EvidenceSubmission, [UInt8])?, _ finding: Finding,
        _ tx: any StoreTransaction
    ) throws -> Int? {
        let (node, identity) = try AttestationGate.open(peer, tx)
        if let pending = try tx.pendingEvidence(id), pending.nodeID == peer.nodeID {
            guard try tx.deletePendingEvidence(id) else { return nil }
            let submission = try StrictJSON.decode(EvidenceSubmission.self, from: pending.submission)
            return try writeError(
                pending.challenge, (submission, pending.submissionSHA256), node, identity, finding, tx)
        }
        guard let taking, let challenge = try tx.challenge(of: peer.nodeID), challenge.challengeID == id,
            try tx.consume(challenge, submissionSHA256: taking.1)
        else { return nil }
        return try writeError(challenge, taking, node, identity, finding, tx)
    }

    /// Evidence that never became complete.
    func abandon(_ pending: PendingEvidenceRecord, _ tx: any StoreTransaction) throws {
        guard try tx.deletePendingEvidence(pending.evidenceID), let node = try tx.node(pending.nodeID),
            let identity = try tx.identity(node.identityID), identity.akName == pending.akName,
            node.lifecycle == .enrolled || node.lifecycle == .suspended
        else { return }
        let submission = try StrictJSON.decode(EvidenceSubmission.self, from: pending.submission)
        _ = try writeError(
            pending.challenge, (submission, pending.submissionSHA256), node, identity,
            Finding(FindingID.evidenceMissing, .none, .tpmIdentity, detail: "the logs were never uploaded whole"), tx)
    }

    private func writeError(
        _ challenge: ChallengeRecord, _ submitted: (EvidenceSubmission, [UInt8]), _ node: NodeRecord,
        _ identity: IdentityRecord, _ finding: Finding, _ tx: any StoreTransaction
    ) throws -> Int {
        let evidence = try evidenceCase(node, identity, receivedAt: tx.now, tx)
        let result = evidence.policy.appraiser.appraise(
            AppraisalInput(
                identityFindings: [finding], pcrs: nil, eventLog: nil, fingerprintFindings: nil,
                reference: evidence.policy.reference,
                referenceStatus: evidence.policy.reference == nil ? nil : .approved, labMode: evidence.policy.labMode,
                identity: .enrolled, binding: .evidence, atMilliseconds: tx.now))
        try VerdictWriter(
            evidence: evidence, challenge: challenge, submission: submitted.0, submissionSHA256: submitted.1,
            result: result, resultDigest: EvidenceAppraiser.digest(result),
            state: evidence.state ?? AttestationStateRecord(akName: identity.akName, nodeID: node.nodeID),
            isSticky: false, bootKeySPKI: nil, newReports: [], policy: policy
        ).write(tx)
        return evidence.policy.settings.attestationIntervalSeconds
    }
}
