import AttestationMessages
import SecurityEvents
import TestVectors
import Testing
import VerifierService
import VerifierStore

@Suite("Judging under a change plan")
struct PlanJudgingTests {
    @Test("In the window old and new values are good; a node that passed by the new ones is judged by them alone")
    func updates() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(3)
        try await fixture.plan(Array(nodes.prefix(2)))
        let mark = try await fixture.bench.mark()
        let before = try await fixture.bench.attest(nodes[0])
        #expect(before.verdict == .pass)
        #expect(try await fixture.set(of: before) == "golden@1")
        #expect(try await fixture.status(nodes[0]) == .waiting)

        try nodes[0].start(PlanFixture.new)
        let after = try await fixture.bench.attest(nodes[0])
        #expect(after.verdict == .pass)
        #expect(try await fixture.set(of: after) == "golden@2")
        let row = try #require(try await fixture.plans.plan("kernel", peer: fixture.ada).nodes.first)
        #expect(row.status == .updated && row.verdictID == after.verdictID && row.referenceSet == "golden@2")
        #expect(try await fixture.bench.decision(nodes[0]) == "admit")
        let updated = try await fixture.events(after: mark).filter { $0.eventID == "PLAN_NODE_UPDATED" }
        #expect(updated.count == 1 && updated.first?.severity == .info && updated.first?.node == nodes[0].id.rawValue)
        #expect(updated.first?.fields["plan"] == "kernel" && updated.first?.fields["set"] == "golden@2")
        #expect(updated.first?.fields["node"] == nodes[0].id.rawValue)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .pass)

        // The old kernel again: over for this node at once, good for the other one, and new values only for members.
        try nodes[0].start(PlanFixture.old)
        let back = try await fixture.bench.attest(nodes[0])
        #expect(back.verdict == .fail)
        #expect(try await fixture.set(of: back) == "golden@2")
        #expect(try await fixture.bench.attest(nodes[1]).verdict == .pass)
        try nodes[2].start(PlanFixture.new)
        let outsider = try await fixture.bench.attest(nodes[2])
        #expect(outsider.verdict == .fail)
        #expect(try await fixture.set(of: outsider) == "golden@1")
    }

    @Test(
        "Before the window the new values are an alarm; after it too, while old ones go on to hold and the node is told"
    )
    func window() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(3)
        try await fixture.plan(nodes, from: fixture.now + PlanFixture.hour)
        try nodes[0].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .fail)
        #expect(try await fixture.lastBoot(nodes[0])?.explanation == .unexplained)
        fixture.bench.advance(2 * PlanFixture.hour)
        try nodes[1].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[1]).verdict == .pass)
        fixture.bench.advance(4 * PlanFixture.hour)
        let mark = try await fixture.bench.mark()
        try await fixture.bench.monitor.tick()
        let missed = try await fixture.events(after: mark).filter { $0.eventID == "PLAN_NODE_MISSED" }
        #expect(Set(missed.compactMap(\.node)) == [nodes[0].id.rawValue, nodes[2].id.rawValue])
        #expect(missed.allSatisfy { $0.severity == .medium && $0.fields["plan"] == "kernel" })
        #expect(try await fixture.status(nodes[2]) == .missed)
        #expect(try await fixture.bench.attest(nodes[2]).verdict == .pass)
        try nodes[2].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[2]).verdict == .fail)
        // Whoever was updated stays so until the plan is closed.
        #expect(try await fixture.bench.attest(nodes[1]).verdict == .pass)
        try nodes[1].start(PlanFixture.old)
        #expect(try await fixture.bench.attest(nodes[1]).verdict == .fail)
        // Another plan takes up who missed the first.
        #expect(try await fixture.plan([nodes[2]], name: "again").nodes.count == 1)
    }

    @Test("A boot in the window into what neither set knows is the active set's fail, and no plan explains it")
    func somethingElse() async throws {
        let fixture = try await PlanFixture()
        var node = try await fixture.fleet(1)[0]
        try await fixture.plan([node])
        let mark = try await fixture.bench.mark()
        try node.start(PlanFixture.other)
        let reply = try await fixture.bench.attest(node)
        #expect(reply.verdict == .fail)
        #expect(try await fixture.set(of: reply) == "golden@1")
        #expect(try await fixture.status(node) == .waiting)
        let row = try #require(try await fixture.lastBoot(node))
        #expect(row.explanation == .unexplained && row.findings == ["BOOT_NEW", "BOOT_UNEXPECTED"])
        let events = try await fixture.events(after: mark)
        #expect(events.filter { $0.eventID == SecurityEventID.bootUnexpected }.map(\.severity) == [.high])
        #expect(events.contains { $0.eventID == SecurityEventID.nodeUntrusted })
    }

    @Test("A boot that a plan explained while its log was on the way is told when the log shows something else")
    func somethingElseInTwoSteps() async throws {
        let fixture = try await PlanFixture()
        var node = try await fixture.fleet(1)[0]
        try await fixture.plan([node])
        let mark = try await fixture.bench.mark()
        try node.start(PlanFixture.new)
        node.eventLog += [0]
        let first = try await fixture.bench.attestation.submit(try await node.evidence(fixture.bench), node: node.peer)
        #expect(first.verdict == nil)
        #expect(try await fixture.lastBoot(node)?.explanation == .plan)
        #expect(try await fixture.bench.finish(first, node).verdict == .fail)
        let row = try #require(try await fixture.lastBoot(node))
        #expect(row.explanation == .unexplained && row.explainedBy == nil && row.findings.last == "BOOT_UNEXPECTED")
        let told = try await fixture.events(after: mark).filter { $0.eventID == SecurityEventID.bootUnexpected }
        #expect(told.count == 1 && told.first?.fields["plan"] == "kernel")
    }

    @Test("A plan explains so many boots of a node as it says, and boots that nobody saw count")
    func reboots() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(2)
        try await fixture.plan(nodes, reboots: 2)
        try nodes[0].start(PlanFixture.old)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .pass)
        var row = try #require(try await fixture.lastBoot(nodes[0]))
        #expect(row.explanation == .plan && row.explainedBy == "kernel" && row.reason == "kernel 6.1.0-53")
        #expect(row.findings == ["BOOT_NEW"])
        try nodes[0].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .pass)
        #expect(try await fixture.lastBoot(nodes[0])?.explanation == .plan)
        try nodes[0].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .pass)
        row = try #require(try await fixture.lastBoot(nodes[0]))
        #expect(row.explanation == .unexplained && row.findings.contains(SecurityEventID.bootUnexpected))
        nodes[1].reboot()
        nodes[1].reboot()
        try nodes[1].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[1]).verdict == .pass)
        row = try #require(try await fixture.lastBoot(nodes[1]))
        #expect(row.unseenBoots == 2 && row.explanation == .unexplained)
    }

    @Test("Evidence of the window whose logs come after its end still updates the node")
    func slowLogs() async throws {
        let fixture = try await PlanFixture()
        var node = try await fixture.fleet(1)[0]
        try await fixture.plan([node], hours: 1)
        fixture.bench.advance(PlanFixture.hour - 1_000)
        try node.start(PlanFixture.new)
        let first = try await fixture.bench.attestation.submit(try await node.evidence(fixture.bench), node: node.peer)
        #expect(first.verdict == nil)
        fixture.bench.advance(10 * 60_000)
        try await fixture.bench.monitor.tick()
        #expect(try await fixture.bench.finish(first, node).verdict == .pass)
        #expect(try await fixture.status(node) == .updated)
        #expect(try await fixture.lastBoot(node)?.explanation == .plan)
    }

    @Test("RV-09: a plan that closes between the appraisal and its transaction passes nobody")
    func closedMeanwhile() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(2)
        try await fixture.plan(nodes)
        // So that the verifier has the log: one step, one write.
        try nodes[1].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[1]).verdict == .pass)
        try nodes[0].start(PlanFixture.new)
        let submission = try await nodes[0].evidence(fixture.bench)
        let store = InterruptedStore(base: fixture.bench.store) { _ in
            _ = try await fixture.close(activate: false, accepting: 1)
        }
        let reply = try await AttestationService(store: store, policy: fixture.bench.policy)
            .submit(submission, node: nodes[0].peer)
        #expect(reply.verdict == .fail)
        #expect(try await fixture.set(of: reply) == "golden@1")
        #expect(try await fixture.status(nodes[0]) == .waiting)
    }

    @Test(
        "RV-09: a node that is updated between the appraisal of its old values and their transaction does not pass by them"
    )
    func updatedMeanwhile() async throws {
        let fixture = try await PlanFixture()
        let node = try await fixture.fleet(1)[0]
        try await fixture.plan([node])
        let submission = try await node.evidence(fixture.bench)
        let store = InterruptedStore(base: fixture.bench.store) { base in
            try await base.write { tx in
                guard var row = try tx.plannedNode(node.id) else { return }
                row.status = .updated
                row.atMilliseconds = tx.now
                row.verdictID = "another"
                try tx.save(row)
            }
        }
        let reply = try await AttestationService(store: store, policy: fixture.bench.policy)
            .submit(submission, node: node.peer)
        #expect(reply.verdict == .fail)
        #expect(try await fixture.set(of: reply) == "golden@2")
    }

    @Test("Register values that the node left out are judged by both sets, not by what the first one remembers")
    func leftOutValues() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(2)
        try await fixture.plan(nodes, from: fixture.now + PlanFixture.hour)
        try nodes[0].start(PlanFixture.new)
        #expect(try await fixture.bench.attest(nodes[0]).verdict == .fail)
        fixture.bench.advance(2 * PlanFixture.hour)
        var submission = try await nodes[0].evidence(fixture.bench)
        submission.pcrs = nil
        let reply = try await fixture.bench.attestation.submit(submission, node: nodes[0].peer)
        #expect(reply.verdict == .pass)
        #expect(try await fixture.set(of: reply) == "golden@2")
    }

    @Test("node explain names the plan of a node, and the boot that it explains")
    func explained() async throws {
        let fixture = try await PlanFixture()
        var node = try await fixture.fleet(1)[0]
        try await fixture.plan([node])
        try node.start(PlanFixture.new)
        try await fixture.bench.attest(node)
        let nodes = NodeService(store: fixture.bench.store, random: SystemRandom(), policy: fixture.bench.policy)
        let view = try await nodes.explanation(of: node.id, comparingWith: nil, peer: fixture.ada)
        #expect(view.plan?.plan == "kernel" && view.plan?.status == .updated && view.plan?.referenceSet == "golden@2")
        #expect(view.lastReboot?.explanation == .plan && view.lastReboot?.explainedBy == "kernel")
    }
}
