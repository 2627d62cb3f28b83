internal import AttestationMessages
internal import Logging
internal import VerifierClient

/// What the node itself knows of its admission. A verdict is not enough: a node that failed once stays denied over later
/// passes until an operator clears it, and two persons may admit one that fails.
extension AttesterSession {
    /// For whom the answer is made out: the node itself. No consumer accepts it.
    private static let audience = "bootgate-agent"
    /// Failures in a row after which the question waits for the next attestation; what was known lasts as long as it did.
    private static let attempts = 4

    /// Asks after each verdict. Never fails: an answer that does not come ends nothing and admits nobody.
    func askAdmission(_ client: VerifierClient) async {
        var backoff = Backoff()
        while true {
            do {
                let reply = try await client.admission(node: configuration.nodeID, audience: Self.audience)
                guard reply.nodeID == configuration.nodeID else {
                    return note(.refused("AGENT_BAD_REPLY", after: status.admission, now: .now()))
                }
                return note(NodeAdmission(reply, after: status.admission, now: .now()))
            } catch {
                let failure = SessionFailure(error)
                if case .refused(let status, let code) = failure.kind, (400..<500).contains(status), status != 429 {
                    return note(.refused(code ?? "AGENT_REFUSED", after: self.status.admission, now: .now()))
                }
                logger.warning(
                    "admission not asked", metadata: ["code": "\(failure.code)", "reason": "\(failure.message)"])
                guard failure.kind != .cancelled, backoff.failures < Self.attempts else { return }
                let pause = backoff.next(retryAfterSeconds: failure.retryAfterSeconds, random: nextRandom())
                // The next attestation asks anyway, and is not kept waiting.
                guard case .wait(let left)? = ready?.machine.step(.now()), pause < left else { return }
                do { try await rest(pause) } catch { return }
            }
        }
    }

    /// A step was refused by a verifier that knows the node as suspended, revoked or not at all.
    func loseAdmission(_ failure: SessionFailure) {
        guard case .refused(let status, let code) = failure.kind, status == 403 || code == "ADM_UNKNOWN" else { return }
        note(.refused(code ?? "AGENT_REFUSED", after: self.status.admission, now: .now()))
    }

    private func note(_ admission: NodeAdmission) {
        let before = status.admission
        status.admission = admission
        guard before?.decision != admission.decision || before?.reason != admission.reason else { return }
        let metadata: Logger.Metadata = [
            "code": admission.decision == .admit ? "AGENT_ADMITTED" : "AGENT_NOT_ADMITTED",
            "reason": "\(admission.reason ?? "-")",
        ]
        if admission.decision == .admit {
            logger.info("admitted", metadata: metadata)
        } else {
            logger.warning("not admitted", metadata: metadata)
        }
    }
}
