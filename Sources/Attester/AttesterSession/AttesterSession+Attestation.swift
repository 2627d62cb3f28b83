internal import AttestationMessages
internal import HostProcess
internal import Logging
internal import VerifierClient

extension AttesterSession {
    /// Challenge, evidence, and the uploads that the verifier asks for.
    func attest() async throws -> Outcome {
        guard var ready, let client = ready.mainClient else { return .waiting }
        let checked = try CheckedChallenge(try await takeChallenge(client))
        var evidence: CollectedEvidence
        do {
            evidence = try await ready.collector.collect(checked)
            self.ready?.collector = ready.collector
        } catch {
            // What was collected (fingerprints, the boot key) stays good for the next attempt.
            self.ready?.collector = ready.collector
            throw error
        }
        var reply = try await submit(&evidence, ready.collector, client)
        reply = try await upload(evidence, reply, ready.collector, client)
        let outcome = try finish(reply, evidence, checked, tpmMilliseconds: await tpmMilliseconds())
        await askAdmission(client)
        return outcome
    }

    /// A verifier that keeps another part of the measurement list says where it wants it from; nothing is used up by that.
    private func submit(
        _ evidence: inout CollectedEvidence, _ collector: EvidenceCollector, _ client: VerifierClient
    ) async throws -> EvidenceReply {
        var corrections = 0
        while true {
            do {
                return try await client.submit(node: configuration.nodeID, evidence.submission)
            } catch let error as VerifierClientError where error.status == 409 && error.verdictID != nil {
                // libcurl sent it twice over a dying connection: the first one was appraised.
                throw SessionFailure(
                    .refused(409, error.problemCode), code: error.problemCode ?? "AGENT_REFUSED",
                    message: "the evidence had arrived already")
            } catch let error as VerifierClientError where error.problemCode == "IMA_OFFSET" {
                guard let offset = error.offset, (0...CheckedChallenge.longestMeasurementList).contains(offset),
                    corrections < 2
                else { throw error }
                corrections += 1
                evidence = await collector.continuing(evidence, from: offset)
            }
        }
    }

    private func takeChallenge(_ client: VerifierClient) async throws -> AttestationChallenge {
        defer { ready?.nextChallenge = nil }
        if let next = ready?.nextChallenge, AgentTime.now().monotonic < next.voidAt { return next.challenge }
        return try await client.requestChallenge(
            node: configuration.nodeID, ChallengeRequest(bootID: bootID, agentRunID: agentRunID))
    }

    /// Sends what is needed until nothing is. A broken connection is retried from the offset that the verifier named.
    private func upload(
        _ evidence: CollectedEvidence, _ first: EvidenceReply, _ collector: EvidenceCollector, _ client: VerifierClient
    ) async throws -> EvidenceReply {
        var announced = evidence.logs.mapValues { 0..<$0.count }
        if let list = evidence.submission.measurementList, !list.isWhole {
            announced[EvidenceLog.measurementList.description] = list.offset..<list.end
        }
        var upload = EvidenceUpload(logs: announced)
        var reply = first
        var backoff = Backoff()
        guard CheckedChallenge.isIdentifier(reply.evidenceID) else {
            throw SessionFailure(.badChallenge, code: "AGENT_BAD_REPLY", message: "the evidence's id is no identifier")
        }
        while reply.verdict == nil, let part = try upload.next(reply.need) {
            do {
                reply = try await client.upload(
                    node: configuration.nodeID, evidenceID: first.evidenceID, log: part.log,
                    offset: part.range.lowerBound, bytes: try await collector.bytes(of: part, in: evidence))
                upload.didSend(part)
                backoff.reset()
                watchdog.feed()
            } catch let error as VerifierClientError
                where error.problemCode == "IMA_OFFSET" && error.offset == part.range.upperBound
            {
                // Sent twice over a dying connection: the first one was taken. No bytes ask what is open.
                upload.didSend(part)
                reply = try await client.upload(
                    node: configuration.nodeID, evidenceID: first.evidenceID, log: part.log,
                    offset: part.range.upperBound, bytes: [])
            } catch let error as VerifierClientError
                where (error.code == .unreachable || error.status == 503) && backoff.failures < Self.uploadAttempts
            {
                try await rest(backoff.next(retryAfterSeconds: error.retryAfterSeconds, random: nextRandom()))
            }
        }
        return reply
    }

    /// Failures in a row after which an upload is given up; the verifier closes it after 15 minutes.
    private static let uploadAttempts = 8

    private func finish(
        _ reply: EvidenceReply, _ evidence: CollectedEvidence, _ checked: CheckedChallenge, tpmMilliseconds: Int64
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
                "next-s": "\(due)", "tpm-ms": "\(tpmMilliseconds)",
            ])
        return .attested(verdict)
    }
}
