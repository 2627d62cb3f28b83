internal import AttestationMessages
internal import Logging
internal import VerifierClient

extension AttesterSession {
    /// Challenge, evidence, and the uploads that the verifier asks for.
    func attest() async throws -> Outcome {
        guard var ready, let client = ready.mainClient else { return .waiting }
        let checked = try CheckedChallenge(try await takeChallenge(client))
        let evidence: CollectedEvidence
        do {
            evidence = try await ready.collector.collect(checked)
            self.ready?.collector = ready.collector
        } catch {
            // What was collected (fingerprints, the boot key) stays good for the next attempt.
            self.ready?.collector = ready.collector
            throw error
        }
        var reply: EvidenceReply
        do {
            reply = try await client.submit(node: configuration.nodeID, evidence.submission)
        } catch let error as VerifierClientError where error.status == 409 && error.verdictID != nil {
            // libcurl sent it twice over a dying connection: the first one was appraised.
            throw SessionFailure(
                .refused(409, error.problemCode), code: error.problemCode ?? "AGENT_REFUSED",
                message: "the evidence had arrived already")
        }
        reply = try await upload(evidence, reply, client)
        return try finish(reply, evidence, checked)
    }

    private func takeChallenge(_ client: VerifierClient) async throws -> AttestationChallenge {
        defer { ready?.nextChallenge = nil }
        if let next = ready?.nextChallenge, AgentTime.now().monotonic < next.voidAt { return next.challenge }
        return try await client.requestChallenge(
            node: configuration.nodeID, ChallengeRequest(bootID: bootID, agentRunID: agentRunID))
    }

    /// Sends what is needed until nothing is. A broken connection is retried from the offset that the verifier named.
    private func upload(
        _ evidence: CollectedEvidence, _ first: EvidenceReply, _ client: VerifierClient
    ) async throws -> EvidenceReply {
        var upload = EvidenceUpload(logs: evidence.logs)
        var reply = first
        var backoff = Backoff()
        guard CheckedChallenge.isIdentifier(reply.evidenceID) else {
            throw SessionFailure(.badChallenge, code: "AGENT_BAD_REPLY", message: "the evidence's id is no identifier")
        }
        while reply.verdict == nil, let part = try upload.next(reply.need) {
            do {
                reply = try await client.upload(
                    node: configuration.nodeID, evidenceID: first.evidenceID, log: part.log, offset: part.offset,
                    bytes: part.bytes)
                upload.didSend(part)
                backoff.reset()
            } catch let error as VerifierClientError
                where (error.code == .unreachable || error.status == 503) && backoff.failures < Self.uploadAttempts
            {
                let pause = backoff.next(retryAfterSeconds: error.retryAfterSeconds, random: nextRandom())
                try await Task.sleep(for: .milliseconds(pause))
            }
        }
        return reply
    }

    /// Failures in a row after which an upload is given up; the verifier closes it after 15 minutes.
    private static let uploadAttempts = 8

    private func finish(
        _ reply: EvidenceReply, _ evidence: CollectedEvidence, _ checked: CheckedChallenge
    ) throws -> Outcome {
        guard let verdict = reply.verdict else {
            throw SessionFailure(
                .badChallenge, code: "AGENT_BAD_REPLY", message: "neither a verdict nor a need in the reply")
        }
        let now = AgentTime.now()
        if verdict == .pass { ready?.collector.didPass(evidence) } else { ready?.collector.didNotPass() }
        let due = reply.nextAttestationInSeconds ?? checked.challenge.attestationIntervalSeconds
        if let next = reply.nextChallenge, (1...86_400).contains(next.expiresInSeconds) {
            // Half a second for the way, so that the nonce does not die on it.
            ready?.nextChallenge = (next, now.monotonic + Int64(next.expiresInSeconds) * 1000 - 500)
        }
        ready?.machine.didAttest(nextInSeconds: due, now: now, random: nextRandom())
        status.lastAttestationAtMilliseconds = now.wall
        status.lastVerdict = verdict
        status.lastVerdictID = reply.verdictID
        logger.info(
            "attested",
            metadata: [
                "code": "AGENT_ATTESTED", "verdict": "\(verdict.rawValue)", "verdict-id": "\(reply.verdictID ?? "-")",
                "next-s": "\(due)",
            ])
        return .attested(verdict)
    }
}
