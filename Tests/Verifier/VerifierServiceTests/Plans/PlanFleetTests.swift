import AttestationMessages
import SecurityEvents
import TestVectors
import Testing
import VerifierService
import VerifierStore

@Suite("A fleet under a change plan", .serialized)
struct PlanFleetTests {
    @Test(
        "R16: a simulated fleet of 200 nodes updates under a plan: no false alarm, every planned reboot explained, one node that boots something else in the window alarms"
    )
    func fleet() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(200)
        try await fixture.plan(nodes)
        let odd = 77
        let mark = try await fixture.bench.mark()
        for index in nodes.indices {
            try nodes[index].start(index == odd ? PlanFixture.other : PlanFixture.new)
            fixture.bench.advance(1_000)
        }
        for (index, reply) in try await fixture.attest(nodes).enumerated() {
            #expect(reply.verdict == (index == odd ? .fail : .pass), "\(nodes[index].id)")
        }
        let alarms = try await fixture.events(after: mark).filter { $0.severity >= .low }
        #expect(!alarms.isEmpty && alarms.allSatisfy { $0.node == nodes[odd].id.rawValue }, "\(alarms.map(\.message))")
        #expect(alarms.contains { $0.eventID == SecurityEventID.nodeUntrusted && $0.severity == .high })
        #expect(alarms.contains { $0.eventID == SecurityEventID.bootUnexpected })
        for (index, node) in nodes.enumerated() {
            let boot = try await fixture.lastBoot(node)
            #expect(boot?.explanation == (index == odd ? .unexplained : .plan), "\(node.id)")
        }
        let plan = try await fixture.plans.plan("kernel", peer: fixture.ada).plan
        #expect(plan.updated == 199 && plan.waiting == 1 && plan.status == .open)

        // The odd one is repaired within the window: the plan is over, its set is everybody's, and nobody notices.
        try nodes[odd].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[odd]).verdict == .pass)
        let repaired = try await fixture.bench.mark()
        try await fixture.bench.monitor.tick()
        #expect(try await fixture.activeVersion() == 2)
        #expect(try await fixture.attest(nodes).allSatisfy { $0.verdict == .pass })
        #expect(
            Set(try await fixture.events(after: repaired).map(\.eventID))
                == ["PLAN_CLOSED", SecurityEventID.referenceChanged])
    }
}
