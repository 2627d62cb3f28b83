import AttestationMessages
import SecurityEvents
import TestVectors
import Testing
import VerifierService
import VerifierStore

@Suite("Making and closing change plans")
struct PlanServiceTests {
    @Test(
        "RV-06: where sets must be signed, a plan with one that is not is refused, and the group goes on to be judged")
    func unsignedSet() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(1)
        var policy = fixture.bench.policy
        policy.referenceSignatures = .required
        let plans = PlanService(store: fixture.bench.store, labMode: false, policy: policy)
        let request = PlanRequest(
            name: "kernel", reason: "kernel 6.1.0-53", referenceSet: "golden", version: 2,
            endMilliseconds: fixture.now + PlanFixture.hour, nodes: nodes.map(\.id))
        let refusal = await nodeRefusal { _ = try await plans.create(request, peer: fixture.ada) }
        #expect(refusal?.kind == .invalid && refusal?.code == "REF_SIGNATURE")
        #expect(try await fixture.bench.store.read { try $0.plans(open: nil) }.isEmpty)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .pass)
    }

    @Test("A plan needs an approved set, a window, a reason, and nodes that the set's group judges")
    func refusals() async throws {
        let fixture = try await PlanFixture()
        let node = try await fixture.fleet(1)[0]
        let draft = try await fixture.draft([PlanFixture.new])
        func refused(_ edit: (inout PlanRequest) -> Void) async throws -> String? {
            var request = PlanRequest(
                name: "p", reason: "update", referenceSet: "golden", version: 2,
                endMilliseconds: fixture.now + PlanFixture.hour, nodes: [node.id])
            edit(&request)
            return try await refusalCode { try await fixture.plans.create(request, peer: fixture.ada) }
        }
        #expect(try await refused { $0.version = draft.version } == "REF_NEEDS_APPROVAL")
        #expect(try await refused { $0.version = 1 } == "REF_ROLLBACK")
        #expect(try await refused { $0.version = 9 } == "API_UNKNOWN")
        #expect(try await refused { $0.reason = " " } == "API_REASON")
        #expect(try await refused { $0.name = "No name" } == "API_BAD_NAME")
        #expect(try await refused { $0.endMilliseconds = fixture.now } == "PLAN_WINDOW")
        #expect(try await refused { $0.startMilliseconds = fixture.now - 1 } == "PLAN_WINDOW")
        #expect(try await refused { $0.endMilliseconds += PlanRequest.longestWindow } == "PLAN_WINDOW")
        #expect(try await refused { $0.endMilliseconds = .max } == "PLAN_WINDOW")
        #expect(try await refused { $0.reboots = 0 } == "PLAN_REBOOTS")
        #expect(try await refused { $0.nodes = [] } == "PLAN_NODES")
        #expect(try await refused { $0.site = "berlin" } == "PLAN_NODES")
        #expect(try await refused { $0.nodes = [node.id, node.id] } == "PLAN_NODES")
        #expect(try await refused { $0.nodes += [NodeID("nobody")!] } == "API_UNKNOWN")
        #expect(try await fixture.plans.plans(open: nil, peer: fixture.ada).items.isEmpty)
        #expect(try await refused { _ in } == nil)
        #expect(try await refused { _ in } == "PLAN_EXISTS")
        #expect(try await refused { $0.name = "q" } == "PLAN_OPEN")
        let records = try await fixture.bench.store.read { try $0.auditRecords(before: nil, limit: 100) }
        #expect(records.contains { $0.action == "plan.create" && $0.outcome == "success" && $0.subject == "p" })
        #expect(records.contains { $0.action == "plan.create" && $0.detail["code"] == "PLAN_WINDOW" })
    }

    @Test("A site or a group selects the nodes of now that the set's group judges")
    func selectors() async throws {
        let fixture = try await PlanFixture()
        _ = try await fixture.fleet(2)
        _ = try SoftwareNode("never-enrolled")
        var request = PlanRequest(
            name: "p", reason: "update", referenceSet: "golden", version: 2,
            endMilliseconds: fixture.now + PlanFixture.hour, site: "berlin")
        let detail = try await fixture.plans.create(request, peer: fixture.ada)
        #expect(detail.nodes.map(\.nodeID.rawValue) == ["n1", "n2"] && detail.plan.waiting == 2)
        #expect(detail.plan.group == "default" && detail.plan.referenceSet == "golden@2" && detail.plan.reboots == 3)
        request.name = "q"
        request.site = "munich"
        let none = request
        #expect(try await refusalCode { try await fixture.plans.create(none, peer: fixture.ada) } == "PLAN_NODES")
        let events = try await fixture.bench.events().filter { $0.eventID == "PLAN_CREATED" }
        #expect(events.count == 1 && events.first?.actor == "ada" && events.first?.fields["set"] == "golden@2")
    }

    @Test("While a plan is open, neither of its sets is replaced, and the one that comes is not rejected")
    func heldSets() async throws {
        let fixture = try await PlanFixture()
        let node = try await fixture.fleet(1)[0]
        try await fixture.plan([node])
        let third = try await fixture.approve([PlanFixture.old, PlanFixture.new])
        func act(_ act: ReferenceAct, _ version: Int) async throws -> String? {
            let view = try await fixture.references.reference("golden", version: version, peer: fixture.ada).view
            return try await refusalCode {
                try await fixture.references.act(
                    act, on: "golden", version: version,
                    ReferenceActRequest(documentSHA256: view.documentSHA256, reason: "test"), peer: fixture.bob)
            }
        }
        #expect(try await act(.activate, 2) == "PLAN_OPEN")
        #expect(try await act(.activate, third.version) == "PLAN_OPEN")
        #expect(try await act(.reject, 2) == "PLAN_OPEN")
        #expect(try await refusalCode { try await fixture.plan([node], name: "q", version: 3) } == "PLAN_OPEN")
        #expect(try await act(.reject, third.version) == nil)
        #expect(try await fixture.close(activate: false).plan.status == .closed)
        #expect(try await refusalCode { try await fixture.close(activate: false) } == "PLAN_CLOSED")
    }

    @Test("A plan ends by itself when every node is updated: its set is active, and nobody notices")
    func endsByItself() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(3)
        // Two plans, one set: the second hall comes a day later.
        try await fixture.plan(Array(nodes.prefix(2)))
        try await fixture.plan([nodes[2]], name: "hall-2")
        for index in 0..<2 {
            try nodes[index].start(PlanFixture.new)
            #expect(try await fixture.bench.attest(nodes[index]).verdict == .pass)
            try await fixture.bench.monitor.tick()
            #expect(try await fixture.activeVersion() == 1)
        }
        try nodes[2].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[2]).verdict == .pass)
        let mark = try await fixture.bench.mark()
        try await fixture.bench.monitor.tick()
        #expect(try await fixture.activeVersion() == 2)
        for plan in try await fixture.plans.plans(open: nil, peer: fixture.ada).items {
            #expect(plan.status == .closed && plan.activated && plan.closedBy == "verifier")
        }
        for node in nodes { #expect(try await fixture.bench.attest(node).verdict == .pass) }
        let events = try await fixture.events(after: mark)
        #expect(Set(events.map(\.eventID)) == ["PLAN_CLOSED", SecurityEventID.referenceChanged])
        let last = try #require(
            try await fixture.references.history(ofReference: "golden", peer: fixture.ada).items.last)
        #expect(last.act == "activate" && last.by == "verifier" && last.ticket == "CHG-9")
    }

    @Test("Closing turns nobody red in silence: who would lose the pass is counted, and accepted by number or refused")
    func losses() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(12)
        try await fixture.plan(Array(nodes.prefix(11)))
        for index in 0..<11 {
            try nodes[index].start(PlanFixture.new)
            #expect(try await fixture.bench.attest(nodes[index]).verdict == .pass)
        }
        try await fixture.bench.monitor.tick()
        #expect(try await fixture.activeVersion() == 1)
        // Back to the old set: the eleven that were updated. On to the new one: the one that was not.
        #expect(try await refusalCode { try await fixture.close(activate: false) } == "PLAN_FAILURES")
        #expect(try await refusalCode { try await fixture.close(activate: false, accepting: 10) } == "PLAN_FAILURES")
        #expect(try await refusalCode { try await fixture.close(activate: true) } == "PLAN_FAILURES")
        #expect(try await fixture.plans.plan("kernel", peer: fixture.ada).plan.status == .open)
        let detail = try await fixture.close(activate: true, accepting: 1)
        #expect(detail.plan.activated && detail.plan.closedBy == "ada" && detail.plan.closeReason == "done")
        #expect(try await fixture.activeVersion() == 2)
        for (index, reply) in try await fixture.attest(nodes).enumerated() {
            #expect(reply.verdict == (index == 11 ? .fail : .pass))
        }
    }

    @Test("RV-15: an activation by a close that costs more than the limit takes another person than the proposer")
    func limit() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(2)
        try await fixture.plan(nodes)
        try nodes[0].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .pass)
        #expect(
            try await refusalCode { try await fixture.close(activate: true, accepting: 1) } == "REF_NEEDS_APPROVAL")
        let detail = try await fixture.close(activate: true, accepting: 1, by: fixture.bob)
        #expect(detail.plan.activated && detail.plan.waiting == 1 && detail.plan.updated == 1)
        #expect(try await fixture.bench.events().contains { $0.eventID == "REF_FAILURES_ACCEPTED" })
    }

    @Test("A plan that nobody was updated under closes at once and changes nothing")
    func withdrawn() async throws {
        let fixture = try await PlanFixture()
        var node = try await fixture.fleet(1)[0]
        try await fixture.plan([node])
        let detail = try await fixture.close(activate: false)
        #expect(detail.plan.status == .closed && !detail.plan.activated)
        #expect(try await fixture.bench.attest(node).verdict == .pass)
        try node.start(PlanFixture.new)
        #expect(try await fixture.bench.attest(node).verdict == .fail)
        #expect(try await fixture.activeVersion() == 1)
    }

    @Test("An open plan does not wait for a node that was removed")
    func removed() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(2)
        try await fixture.plan(nodes)
        let service = NodeService(store: fixture.bench.store, random: SystemRandom(), policy: fixture.bench.policy)
        _ = try await service.act(.remove, on: nodes[1].id, NodeActRequest(reason: "scrapped"), peer: fixture.ada)
        try nodes[0].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .pass)
        try await fixture.bench.monitor.tick()
        #expect(try await fixture.activeVersion() == 2)
    }
}
