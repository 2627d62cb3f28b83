import AttestationMessages
import Testing

@testable import AttesterSession

private let day: Int64 = 86_400_000

private func at(_ monotonic: Int64, wall: Int64? = nil) -> AgentTime {
    AgentTime(monotonic: monotonic, wall: wall ?? 1_700_000_000_000 + monotonic)
}
private func enrolled(_ now: AgentTime) -> AttesterMachine {
    AttesterMachine(
        membership: .enrolled, certificate: .init(issuedAtWall: now.wall, lifeMilliseconds: 90 * day), now: now)
}
private func failure(_ kind: SessionFailure.Kind, retryAfter: Int? = nil) -> SessionFailure {
    SessionFailure(kind, code: "X", message: "", retryAfterSeconds: retryAfter)
}

@Suite("What the agent does next")
struct MachineTests {
    @Test("A node without identity enrolls, then attests")
    func life() {
        var machine = AttesterMachine(membership: .unenrolled, certificate: nil, now: at(0))
        #expect(machine.step(at(0)) == .enroll)
        machine.didReceiveIdentity(
            .enrolled, certificate: .init(issuedAtWall: at(5).wall, lifeMilliseconds: 90 * day),
            retryAfterSeconds: nil, now: at(5), random: 0)
        #expect(machine.step(at(5)) == .attest)
        machine.didAttest(nextInSeconds: 300, now: at(10), random: 0)
        #expect(machine.step(at(10)) == .wait(300_000))
        #expect(machine.step(at(300_010)) == .attest)
    }

    @Test("A pending node asks again by renewal when the verifier said")
    func pending() {
        var machine = AttesterMachine(membership: .unenrolled, certificate: nil, now: at(0))
        machine.didReceiveIdentity(
            .pending, certificate: .init(issuedAtWall: at(0).wall, lifeMilliseconds: day), retryAfterSeconds: 40,
            now: at(0), random: 0)
        #expect(machine.step(at(0)) == .wait(40_000))
        #expect(machine.step(at(40_000)) == .renew)
    }

    @Test("The next attestation comes up to a tenth earlier than due, never later")
    func jitter() {
        for random in [0, 1, UInt64.max, 12_345_678] {
            var machine = enrolled(at(0))
            machine.didAttest(nextInSeconds: 300, now: at(0), random: random)
            guard case .wait(let pause) = machine.step(at(0)) else {
                Issue.record("no pause")
                continue
            }
            #expect((270_000...300_000).contains(pause))
        }
    }

    @Test("A due time of zero, below it, or of ten years is brought into bounds")
    func absurdDueTimes() {
        for seconds in [0, -1, Int.min, Int.max, 315_360_000] {
            var machine = enrolled(at(0))
            machine.didAttest(nextInSeconds: seconds, now: at(0), random: 0)
            guard case .wait(let pause) = machine.step(at(0)) else {
                Issue.record("no pause")
                continue
            }
            #expect((1000...7 * day).contains(pause))
        }
    }

    @Test("AD-13: renewal is due from two thirds of the life by the agent's own count, whatever its clock shows")
    func renewal() {
        let issued = at(0, wall: 5 * day)
        let machine = enrolled(issued)
        #expect(machine.step(at(1, wall: 5 * day + 59 * day)) == .attest)
        #expect(machine.step(at(1, wall: 5 * day + 60 * day)) == .renew)
        // Set back: the age is unknown.
        #expect(machine.step(at(1, wall: 4 * day)) == .renew)
        #expect(machine.step(at(1, wall: .max)) == .renew)
    }

    @Test("AD-13: a clock that jumps back and forth renews at most once an hour")
    func renewalByJumps() {
        var machine = enrolled(at(0, wall: 5 * day))
        machine.didFail(.renew, failure(.unreachable), now: at(0, wall: 0), random: 0)
        #expect(machine.step(at(100_000, wall: 0)) == .attest)
        #expect(machine.step(at(3_600_000, wall: 0)) == .renew)
    }

    @Test("Failures wait exponentially with full jitter, up to five minutes, and a success ends it")
    func backoff() {
        var machine = enrolled(at(0))
        var now: Int64 = 0
        var longest: Int64 = 0
        for _ in 0..<40 {
            machine.didFail(.attest, failure(.device), now: at(now), random: 299_999)
            guard case .wait(let pause) = machine.step(at(now)) else {
                Issue.record("no pause")
                return
            }
            #expect((100...300_000).contains(pause))
            longest = max(longest, pause)
            now += pause
        }
        #expect(longest > 100_000)
        machine.didAttest(nextInSeconds: 10, now: at(now), random: 0)
        machine.didFail(.attest, failure(.device), now: at(now), random: 1500)
        #expect(machine.step(at(now)) == .wait(1500))
    }

    @Test("Retry-After is kept, and a little more, and at most an hour")
    func retryAfter() {
        for (wish, range) in [(7, Int64(7000)...8750), (Int.max, 3_600_000...4_500_000), (-5, 1000...1250)] {
            var machine = enrolled(at(0))
            machine.didFail(.attest, failure(.refused(503, nil), retryAfter: wish), now: at(0), random: 999_999_937)
            guard case .wait(let pause) = machine.step(at(0)) else {
                Issue.record("no pause")
                continue
            }
            #expect(range.contains(pause))
        }
    }

    @Test("ID-24: an enrollment that the verifier knows already goes on by renewal")
    func knownAlready() {
        var machine = AttesterMachine(membership: .unenrolled, certificate: nil, now: at(0))
        machine.didFail(.enroll, failure(.refused(409, "ID_AK_REUSED")), now: at(0), random: 0)
        #expect(machine.step(at(0)) == .renew)
    }

    @Test("A node that the verifier does not know any more enrolls anew", arguments: [404, 403])
    func removed(status: Int) {
        var machine = enrolled(at(0))
        machine.didFail(.attest, failure(.refused(status, "ADM_UNKNOWN")), now: at(0), random: 0)
        #expect(machine.step(at(0)) == .renew)
        machine.didFail(.renew, failure(.refused(status, "ADM_UNKNOWN")), now: at(0), random: 0)
        #expect(machine.step(at(10_000_000)) == .enroll)
    }

    @Test("A suspended or revoked node goes on asking and never enrolls anew")
    func suspended() {
        var machine = enrolled(at(0))
        for _ in 1...10 {
            machine.didFail(.attest, failure(.refused(403, "ID_NODE_SUSPENDED")), now: at(0), random: 0)
            #expect(machine.step(at(10_000_000)) == .attest)
        }
    }

    @Test("A nonce that is void or used leads to another challenge", arguments: [409, 410])
    func voidNonce(status: Int) {
        var machine = enrolled(at(0))
        machine.didFail(.attest, failure(.refused(status, "QUOTE_REPLAY")), now: at(0), random: 0)
        #expect(machine.step(at(400_000)) == .attest)
    }

    @Test("A main listener that stays unreachable makes the certificate suspect, once an hour")
    func unreachable() {
        var machine = enrolled(at(0))
        for _ in 1...3 { machine.didFail(.attest, failure(.unreachable), now: at(0), random: 0) }
        #expect(machine.step(at(400_000)) == .renew)
        machine.didFail(.renew, failure(.unreachable), now: at(400_000), random: 0)
        for _ in 1...9 { machine.didFail(.attest, failure(.unreachable), now: at(500_000), random: 0) }
        #expect(machine.step(at(900_000)) == .attest)
    }
}
