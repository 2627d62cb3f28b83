import AttestationMessages
import Foundation
import SoftwareTPM
import Testing
import VerifierService
import VerifierStore

/// Time that passes, stands or jumps, on either side of the line.
@Suite(
    "Clocks and long silence", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct ClockTests {
    @Test("AD-08: a node whose link was cut for a day is stale, not untrusted, and comes back without an operator")
    func cutForADay() async throws {
        try await ClockedVerifier.run { verifier in
            let id = NodeID("edge-01")!
            let line = try LinkedPlace(verifier)
            let machine = try Machine(id.rawValue, in: line)
            try await verifier.add(id, ekSPKISHA256: try machine.endorsementKeySPKI())
            try machine.startAgent()
            _ = try await eventually("a first verdict") { try await verifier.lastVerdict(id) }
            try await verifier.activateReferences(from: id)
            let last = try await eventually("a pass") {
                try await verifier.lastVerdict(id).flatMap { $0.verdict == .pass ? $0 : nil }
            }
            #expect(try await verifier.admission(id).decision == .admit)

            line.main.cut()
            line.enrollment.cut()
            verifier.advance(seconds: 86_400)
            try await verifier.monitor.tick()
            let cut = try #require(try await verifier.record(id))
            #expect(cut.shownState == .stale && cut.standing == .good)
            #expect(try await verifier.admission(id).reason == "ADM_STALE")
            let alarms = try await verifier.store.read {
                try $0.alarms(open: true, node: id, before: nil, limit: 100).map(\.eventID)
            }
            #expect(alarms.contains("ADM_STALE") && !alarms.contains("NODE_UNTRUSTED"))
            #expect(machine.agent?.isRunning == true, "\(machine.log)")

            line.main.restore()
            line.enrollment.restore()
            let back = try await eventually("the node comes back; agent: \(machine.log)") {
                try await verifier.lastVerdict(id).flatMap {
                    $0.atMilliseconds - last.atMilliseconds >= 86_400_000 ? $0 : nil
                }
            }
            // A whole quote over the same boot: its result is the one stored before, appraised anew.
            #expect(back.verdict == .pass && back.issuedAtMilliseconds - last.issuedAtMilliseconds >= 86_400_000)
            #expect(try await verifier.admission(id).decision == .admit)
            #expect(try await verifier.record(id)?.shownState == .trusted)
            let acts = try await verifier.store.read { try $0.auditRecords(before: nil, limit: 1000) }
                .filter { $0.actor.hasPrefix("operator:") && $0.subject == id.rawValue }
            #expect(acts.allSatisfy { $0.atMilliseconds <= last.atMilliseconds }, "no operator had a part in it")
            machine.stopAgent()
        }
    }

    @Test("AD-13: an agent whose clock is ten years off enrolls, passes and is admitted", arguments: ["-10y", "+10y"])
    func agentClock(_ offset: String) async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        let time = try FakeTime(folder: laboratory.directory)
        let wrong = time.environment(offset)
        let shown = try runProcessSuccessfully("date", ["+%Y"], environment: wrong).text
        #expect(Int(shown.prefix(4)) != Calendar(identifier: .gregorian).component(.year, from: Date()))
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        let first = try machine.once(environment: wrong)
        #expect(first.status == 75, "\(first.text) \(first.errorText) \(laboratory.log("verifier"))")
        try laboratory.activateReferences(from: "edge-01")
        let second = try machine.once(environment: wrong)
        #expect(second.status == 0, "\(second.text) \(second.errorText)")
        #expect(try laboratory.admission("edge-01").decision == .admit)
        // And from one year to the other.
        #expect(try machine.once().status == 0)
    }

    @Test("AD-13: the wall clock of a running verifier may jump by an hour or a day: no admission grows or ends")
    func verifierClock() async throws {
        let laboratory = try Laboratory()
        let time = try FakeTime(folder: laboratory.directory)
        try time.set("+0")
        try await laboratory.start(environment: time.following)
        let machine = try Machine("edge-01", in: laboratory)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        #expect(try machine.once().status == 75, "\(laboratory.log("verifier"))")
        try laboratory.activateReferences(from: "edge-01")
        #expect(try machine.once().status == 0)
        let before = try laboratory.node("edge-01")
        for offset in ["-1h", "+1d", "-1h"] {
            try time.set(offset)
            let admission = try laboratory.admission("edge-01")
            #expect(admission.decision == .admit, "\(offset): \(admission)")
            let until = try #require(admission.validUntilMilliseconds)
            let pass = try #require(before.lastVerdict?.atMilliseconds)
            // 60 s from now, or two intervals of 10 s and the grace from the evidence: never an hour.
            #expect(until > pass && until - pass <= 80_000 + 60_000, "\(offset)")
            #expect(try laboratory.node("edge-01").state == .trusted)
        }
        #expect(try machine.once().status == 0)
        #expect(try laboratory.run(as: "bob", "audit", "verify").status == 0)
    }
}
