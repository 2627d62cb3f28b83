internal import Appraisal
internal import AssetFingerprints
package import AttestationMessages
internal import Crypto
internal import JSONCoding
internal import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

extension AttestationService {
    /// What a submission is answered with once its unit ran.
    private enum Outcome: Sendable {
        case reply(EvidenceReply)
        /// Another request used the nonce first.
        case raced
        /// References, baselines or settings changed since the evidence was judged: nothing was written (RV-09).
        case outdated
    }

    /// Each further try needs another change by an operator in the few milliseconds between.
    private static let policyTries = 8
    private static let unsettled = ServiceError(
        .unavailable, "POLICY_CHANGING", "the policy changed at every try", retryAfterSeconds: 1)

    package func submit(_ submission: EvidenceSubmission, node peer: NodePeer) async throws -> EvidenceReply {
        let digest = SubmissionDigest.of(submission)
        return try await judging(submission.challengeID, peer, "evidence.refused", taking: (submission, digest)) {
            for _ in 0..<Self.policyTries {
                switch try await judge(submission, digest, peer) {
                case .reply(let reply): return reply
                case .raced: return try await answerUsed(submission.challengeID, digest, peer)
                case .outdated: continue
                }
            }
            throw Self.unsettled
        }
    }

    private func judge(
        _ submission: EvidenceSubmission, _ digest: [UInt8], _ peer: NodePeer
    ) async throws -> Outcome {
        // One read for the whole of a pass that brings nothing new: each read costs as much as a signature check.
        let (evidence, challenge, held) = try await store.read { snapshot in
            let evidence = try evidenceCase(peer, snapshot)
            return (
                evidence, try snapshot.challenge(of: peer.nodeID), try heldLogs(of: submission, evidence, snapshot)
            )
        }
        guard let challenge, isOpen(challenge, for: submission, evidence) else {
            return .raced
        }
        guard challenge.covers(evidence) else {
            throw ServiceError(.gone, "QUOTE_SELECTION_OLD", "the references judge more registers by now")
        }
        let verification = try await EvidenceVerification(
            submission, evidence, challenge: challenge, nodeKeySPKI: peer.spki,
            memory: evidence.hasTwoReferences ? nil : memory
        ) { try await keptRegisters(evidence, $0) }
        let explanation = try await explanation(of: verification, evidence)
        var accepted = try AcceptedEvidence(
            evidence: evidence, challenge: challenge, submission: submission, submissionSHA256: digest,
            verification: verification, explanation: explanation, policy: policy)
        let needed = accepted
        let uploads =
            accepted.isComplete(holding: held) ? [] : try await store.read { try needed.uploads($0) }
        return uploads.isEmpty
            ? try await complete(&accepted, consuming: true, peer) : try await wait(accepted, for: uploads)
    }

    /// Digests of the submission's logs that the store has. Nothing of the submission is verified yet: more entries than
    /// there are logs are not looked up.
    private func heldLogs(
        of submission: EvidenceSubmission, _ evidence: EvidenceCase, _ snapshot: any StoreSnapshot
    ) throws -> Set<[UInt8]> {
        var held: Set<[UInt8]> = []
        for log in submission.logs.prefix(1 + FingerprintKind.allCases.count)
        where log.sha256.bytes != evidence.state?.eventLogSHA256 {
            if try snapshot.hasBlob(sha256: log.sha256.bytes) { held.insert(log.sha256.bytes) }
        }
        return held
    }

    private func keptRegisters(_ evidence: EvidenceCase, _ pcrDigest: [UInt8]) async throws -> [UInt8]? {
        let akName = evidence.identity.akName
        return try await store.read { try $0.keptRegisters(akName: akName, pcrDigest: pcrDigest) }
    }

    /// Evidence of a boot that is known is not asked about: no further read.
    private func explanation(
        of verification: EvidenceVerification, _ evidence: EvidenceCase
    ) async throws -> RebootExplanation? {
        guard verification.movesCounters(evidence.state), let quote = verification.quote else { return nil }
        let explainer = RebootExplainer(plans: plans, inMaintenanceWindow: policy.inMaintenanceWindow)
        let last = evidence.state?.counters?.resetCount ?? 0
        let resets = quote.clock.resetCount > last ? quote.clock.resetCount - last : 0
        return try await store.read {
            try explainer.explanation(ofRebootOf: evidence.node, resets: resets, now: $0.now, $0)
        }
    }

    private func isOpen(
        _ challenge: ChallengeRecord, for submission: EvidenceSubmission, _ evidence: EvidenceCase
    ) -> Bool {
        challenge.challengeID == submission.challengeID && challenge.consumedBySHA256 == nil
            && challenge.epoch == store.clock.epoch && challenge.akName == evidence.identity.akName
            && store.clock.now() < challenge.expiresAtMilliseconds
    }

    /// A challenge that is not open: the first answer again for the same bytes, `QUOTE_REPLAY` for others, gone else.
    private func answerUsed(_ id: String, _ digest: [UInt8], _ peer: NodePeer) async throws -> EvidenceReply {
        let (pending, uploads, verdict) = try await store.read { snapshot in
            (try snapshot.pendingEvidence(id), try snapshot.uploads(of: id), try snapshot.verdict(id))
        }
        if let pending, pending.nodeID == peer.nodeID {
            guard pending.submissionSHA256 == digest else {
                throw ServiceError(.conflict, "QUOTE_REPLAY", "other bytes for challenge \(id)")
            }
            return try await finishOrAsk(pending, uploads, peer)
        }
        if let verdict, verdict.nodeID == peer.nodeID {
            let isResend = verdict.submissionSHA256 == digest
            throw ServiceError(
                .conflict, "QUOTE_REPLAY", isResend ? "the same bytes again" : "other bytes for challenge \(id)",
                verdictID: isResend ? verdict.verdictID : nil)
        }
        throw ServiceError(.gone, "QUOTE_NONCE_EXPIRED", "challenge \(id) is not open")
    }

    // MARK: Evidence that waits for its logs

    private func wait(_ accepted: AcceptedEvidence, for uploads: [UploadRecord]) async throws -> Outcome {
        var kept: [UInt8]?
        if case .judged? = accepted.verification.registers, let digest = accepted.verification.quote?.pcrDigest {
            kept = try await keptRegisters(accepted.evidence, digest.bytes)
        }
        let record = try accepted.pendingRecord(
            kept: kept, receivedAt: store.clock.now(), life: policy.uploadLife)
        return try await store.write { tx in
            guard try tx.consume(accepted.challenge, submissionSHA256: accepted.submissionSHA256) else { return .raced }
            guard let node = try tx.node(record.nodeID) else {
                throw ServiceError(.forbidden, "ADM_UNKNOWN", "no such node")
            }
            try AttestationGate.check(node)
            if let older = try tx.pendingEvidence(of: record.nodeID) { try abandon(older, tx) }
            try tx.insert(record, uploads: uploads)
            try tx.save(accepted.state)
            // With the counters that it tells of; its verdict has the id of this evidence, whatever becomes of it.
            if let reboot = accepted.reboot { try tx.note(reboot) }
            return .reply(Self.asking(record.evidenceID, uploads))
        }
    }

    private static func asking(_ id: String, _ uploads: [UploadRecord]) -> EvidenceReply {
        EvidenceReply(
            evidenceID: id, verdict: nil, verdictID: nil,
            need: uploads.filter { $0.receivedCount < $0.byteCount }.map {
                LogNeed(log: $0.log, offset: $0.receivedCount)
            }, nextAttestationInSeconds: nil, nextChallenge: nil)
    }

    package func upload(
        evidenceID: String, log: EvidenceLog, offset: Int, bytes: [UInt8], node peer: NodePeer
    ) async throws -> EvidenceReply {
        try await judging(evidenceID, peer, "upload.refused", taking: nil) {
            guard bytes.count <= policy.maxUploadChunk else {
                throw ServiceError(.tooLarge, "EVIDENCE_SIZE", "\(bytes.count) bytes in one upload")
            }
            let state = try await store.write { tx -> (pending: PendingEvidenceRecord, uploads: [UploadRecord])? in
                _ = try AttestationGate.open(peer, tx)
                guard let pending = try tx.pendingEvidence(evidenceID), pending.nodeID == peer.nodeID else {
                    return nil
                }
                guard tx.now < pending.completeByMilliseconds else {
                    throw ServiceError(.gone, "EVIDENCE_EXPIRED", "the upload's time is over")
                }
                guard let upload = try tx.uploads(of: evidenceID).first(where: { $0.log == log.description }) else {
                    throw ServiceError(.conflict, "EVIDENCE_NOT_NEEDED", "\(log) is not needed")
                }
                if log == .measurementList, offset != upload.receivedCount {
                    throw ServiceError(
                        .conflict, "IMA_OFFSET", "\(offset) is not \(upload.receivedCount)",
                        offset: upload.receivedCount)
                }
                if offset == upload.receivedCount, bytes.count > upload.byteCount - upload.receivedCount {
                    throw ServiceError(.tooLarge, "EVIDENCE_SIZE", "\(log): more than the stated \(upload.byteCount)")
                }
                // At any other offset nothing is taken; the reply names the open one.
                _ = try tx.append(bytes, at: offset, to: evidenceID, log: log.description)
                return (pending, try tx.uploads(of: evidenceID))
            }
            guard let state else {
                let verdict = try await store.read { try $0.verdict(evidenceID) }
                guard let verdict, verdict.nodeID == peer.nodeID else {
                    throw ServiceError(.unknown, "EVIDENCE_UNKNOWN", "no such evidence")
                }
                return reply(verdict.verdictID, verdict.verdict, nil, nil)
            }
            return try await finishOrAsk(state.pending, state.uploads, peer)
        }
    }

    private func finishOrAsk(
        _ pending: PendingEvidenceRecord, _ uploads: [UploadRecord], _ peer: NodePeer
    ) async throws -> EvidenceReply {
        guard uploads.allSatisfy({ $0.receivedCount == $0.byteCount }) else {
            return Self.asking(pending.evidenceID, uploads)
        }
        for _ in 0..<Self.policyTries {
            let (evidence, logs) = try await store.read { snapshot in
                let logs = try uploads.filter { $0.log != EvidenceLog.measurementList.description }.map {
                    ($0, try snapshot.uploadedBytes(of: pending.evidenceID, log: $0.log))
                }
                return (
                    try evidenceCase(peer, receivedAt: pending.receivedAtMilliseconds, snapshot), logs
                )
            }
            var accepted = try await AcceptedEvidence(
                resuming: pending, evidence: evidence, nodeKeySPKI: peer.spki, policy: policy
            ) { try await keptRegisters(evidence, $0) }
            for (upload, bytes) in logs { accepted.add(bytes, for: upload) }
            switch try await complete(&accepted, consuming: false, peer) {
            case .reply(let reply): return reply
            case .raced: return try await answerUsed(pending.evidenceID, pending.submissionSHA256, peer)
            case .outdated: continue
            }
        }
        throw Self.unsettled
    }

    // MARK: Completion

    private func complete(
        _ accepted: inout AcceptedEvidence, consuming: Bool, _ peer: NodePeer
    ) async throws -> Outcome {
        let evidence = accepted.evidence
        var reports = accepted.reports
        let missing = accepted.reportDigests.filter {
            evidence.policy.baselines[$0.key] != nil && reports[$0.key] == nil
        }
        if !missing.isEmpty {
            let stored = try await store.read { snapshot in
                try missing.compactMapValues { try snapshot.blob(sha256: $0) }
            }
            reports.merge(stored) { uploaded, _ in uploaded }
        }
        try await settleRegisters(&accepted)
        let settled = accepted
        let input = EvidenceAppraiser.Input(
            identityFindings: accepted.identityFindings, registers: accepted.verification.registers,
            eventLogSHA256: accepted.eventLogSHA256,
            fingerprintFindings: accepted.verification.quote == nil
                ? nil : EvidenceAppraiser.compare(reports, evidence.policy), now: store.clock.now())
        let log = (digest: accepted.eventLogSHA256, bytes: accepted.eventLog)
        let (result, judged, judgedList) = try await EvidenceAppraiser(memory: memory).appraise(
            input, evidence, runtime: { try await judgeMeasurementList(of: settled, by: $0) }
        ) {
            if let bytes = log.bytes { return bytes }
            guard let digest = log.digest else { return nil }
            return try await store.read { try $0.blob(sha256: digest) }
        }
        let list = judgedList != nil ? judgedList : try await unjudgedMeasurementList(of: settled, judged.policy)
        if evidence.wantsMeasurementList { accepted.keepRegisters(listIsStored: list != nil) }
        accepted.finishState()
        let final = accepted
        let resultDigest = EvidenceAppraiser.digest(result)
        return try await store.write { tx in
            guard try judged.policy.isCurrent(policy, tx), try judged.planned?.stands(tx) ?? true,
                try list?.isCurrent(tx) ?? true
            else {
                return .outdated
            }
            if consuming {
                guard try tx.consume(final.challenge, submissionSHA256: final.submissionSHA256) else { return .raced }
                try list?.write(tx)
                if let older = try tx.pendingEvidence(of: peer.nodeID) { try abandon(older, tx) }
            } else {
                guard try tx.pendingEvidence(final.challenge.challengeID) != nil else { return .raced }
                // The uploads go with the evidence.
                try list?.write(tx)
                _ = try tx.deletePendingEvidence(final.challenge.challengeID)
            }
            for (digest, bytes) in final.newBlobs { try tx.saveBlob(bytes, sha256: digest) }
            if let registers = final.newRegisters, let pcrDigest = final.state.pcrDigest {
                try tx.keep(registers: registers, akName: evidence.identity.akName, pcrDigest: pcrDigest)
            }
            if let reboot = final.reboot { try tx.note(reboot) }
            try VerdictWriter(
                evidence: judged, challenge: final.challenge, submission: final.submission,
                submissionSHA256: final.submissionSHA256, result: result, resultDigest: resultDigest,
                state: final.state, isSticky: final.verification.isSticky,
                bootKeySPKI: final.verification.bootKeySPKI, newReports: try final.newReports(tx), policy: policy
            ).write(tx)
            let settings = evidence.policy.settings
            // Evidence that is due within the life of a nonce gets it now, and saves a round trip.
            let isSoon = Int64(settings.attestationIntervalSeconds) * 1000 < policy.challengeLife
            let next =
                isSoon
                ? try issueChallenge(evidence, bootID: final.state.bootID, tx) : nil
            return .reply(
                reply(
                    final.challenge.challengeID, Verdict(rawValue: result.verdict.rawValue) ?? .error,
                    settings.attestationIntervalSeconds, next))
        }
    }

    func reply(
        _ id: String, _ verdict: Verdict, _ interval: Int?, _ next: AttestationChallenge?
    ) -> EvidenceReply {
        EvidenceReply(
            evidenceID: id, verdict: verdict, verdictID: id, need: [], nextAttestationInSeconds: interval,
            nextChallenge: next)
    }
}
