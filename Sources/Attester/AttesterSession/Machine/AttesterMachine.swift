package import AttestationMessages

/// What the agent does next, decided without I/O: time, chance and outcomes come in, a step comes out.
///
/// Life: `unenrolled` → (enroll) → `pending` or `enrolled`; pending asks again by renewal until it is enrolled; enrolled
/// attests when due and renews from two thirds of its certificate's life. Nothing here decides about trust.
package struct AttesterMachine: Sendable {
    package enum Step: Hashable, Sendable {
        case enroll, renew, attest
        /// Milliseconds.
        case wait(Int64)
    }

    package enum Membership: Hashable, Sendable {
        case unenrolled
        /// The verifier knows the node and waits for an operator.
        case pending
        case enrolled
    }

    /// When the identity certificate came and how long it lives.
    package struct Certificate: Hashable, Sendable {
        /// By the node's own clock, so that a constant error of the clock cancels out.
        package var issuedAtWall: Int64
        package var lifeMilliseconds: Int64
        package init(issuedAtWall: Int64, lifeMilliseconds: Int64) {
            self.issuedAtWall = issuedAtWall
            self.lifeMilliseconds = lifeMilliseconds
        }
    }

    package private(set) var membership: Membership
    private var certificate: Certificate?
    private var backoff = Backoff()
    /// Monotonic time before which nothing is done.
    private var dueAt: Int64
    /// Set when something says that the certificate no longer serves.
    private var mustRenew = false
    private var lastRenewalAttempt: Int64?
    private var unreachableInARow = 0

    /// Unanswered calls of the main listener after which the certificate itself is suspected (it may have expired).
    static let unreachableBeforeRenewal = 3
    /// Renewals by suspicion come at most this often.
    static let renewalPause: Int64 = 3_600_000

    package init(membership: Membership, certificate: Certificate?, now: AgentTime) {
        self.membership = membership
        self.certificate = certificate
        dueAt = now.monotonic
    }

    package func step(_ now: AgentTime) -> Step {
        guard now.monotonic >= dueAt else { return .wait(dueAt - now.monotonic) }
        switch membership {
        case .unenrolled: return .enroll
        case .pending: return .renew
        case .enrolled: return mustRenew || isRenewalDue(now) ? .renew : .attest
        }
    }

    /// A negative age means that the clock was set back: one renewal anchors the age anew.
    private func isRenewalDue(_ now: AgentTime) -> Bool {
        guard let certificate else { return true }
        if let lastRenewalAttempt, now.monotonic - lastRenewalAttempt < Self.renewalPause { return false }
        let age = now.wall.subtractingReportingOverflow(certificate.issuedAtWall)
        return age.overflow || age.partialValue < 0 || age.partialValue >= certificate.lifeMilliseconds / 3 * 2
    }

    // MARK: Outcomes

    /// An enrollment or renewal gave a certificate.
    package mutating func didReceiveIdentity(
        _ lifecycle: NodeLifecycle, certificate: Certificate, retryAfterSeconds: Int?, now: AgentTime, random: UInt64
    ) {
        self.certificate = certificate
        mustRenew = false
        unreachableInARow = 0
        backoff.reset()
        lastRenewalAttempt = now.monotonic
        if lifecycle == .pending {
            membership = .pending
            dueAt = now.monotonic + backoff.next(retryAfterSeconds: retryAfterSeconds ?? 30, random: random)
            backoff.reset()
        } else {
            // A suspended or revoked node goes on asking: its calls are refused until an operator decides.
            membership = .enrolled
            dueAt = now.monotonic
        }
    }

    /// Evidence was appraised, whatever the verdict: a refused node goes on attesting so that it can recover.
    ///
    /// - Parameter nextInSeconds: The verifier's due time; the agent comes up to a tenth earlier, never later.
    package mutating func didAttest(nextInSeconds: Int, now: AgentTime, random: UInt64) {
        backoff.reset()
        unreachableInARow = 0
        let interval = Int64(min(max(nextInSeconds, 1), CheckedChallenge.longestInterval)) * 1000
        dueAt = now.monotonic + interval - Int64(random % UInt64(interval / 10 + 1))
    }

    /// A step failed.
    package mutating func didFail(_ step: Step, _ failure: SessionFailure, now: AgentTime, random: UInt64) {
        if step == .renew { lastRenewalAttempt = now.monotonic }
        var delay: Int64?
        switch (step, failure.kind) {
        case (.enroll, .refused(409, _)):
            // Known already, perhaps since a run that was killed before it stored its certificate.
            membership = .pending
            delay = 0
        case (.renew, .refused(404, _)), (.renew, .refused(_, "ADM_UNKNOWN")):
            // Removed, or the pending time ran out.
            membership = .unenrolled
            certificate = nil
            mustRenew = false
        case (.renew, .refused):
            mustRenew = false
        case (.attest, .refused(401, _)), (.attest, .refused(404, _)), (.attest, .refused(_, "ADM_UNKNOWN")):
            // The certificate no longer serves, or the node was removed: the renewal tells which.
            mustRenew = mayRenewBySuspicion(now)
            if mustRenew { delay = 0 }
        case (.attest, .refused(409, _)), (.attest, .refused(410, _)):
            // The nonce is used or void: the next attempt asks for another one.
            break
        case (.attest, .unreachable):
            unreachableInARow += 1
            if unreachableInARow >= Self.unreachableBeforeRenewal, mayRenewBySuspicion(now) {
                mustRenew = true
                unreachableInARow = 0
            }
        case (.renew, .unreachable):
            // The enrollment listener is down as well: the certificate was not the reason.
            if membership == .enrolled { mustRenew = false }
        default: break
        }
        let pause = backoff.next(retryAfterSeconds: failure.retryAfterSeconds, random: random)
        dueAt = now.monotonic + (delay ?? pause)
    }

    private func mayRenewBySuspicion(_ now: AgentTime) -> Bool {
        guard let lastRenewalAttempt else { return true }
        return now.monotonic - lastRenewalAttempt >= Self.renewalPause
    }
}
