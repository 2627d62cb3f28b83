import AttestationMessages
import SecurityEvents
import TestVectors
import Testing
import VerifierService
import VerifierStore

@Suite("Activation in stages", .serialized)
struct RolloutTests {
    private static let dwell: Int64 = 600_000

    private func start(
        _ fixture: PlanFixture, version: Int = 2, accepting failures: Int? = nil, by peer: OperatorPeer
    ) async throws -> RolloutView {
        let view = try await fixture.references.reference("golden", version: version, peer: peer).view
        return try await fixture.references.startRollout(
            "golden", version: version,
            RolloutRequest(
                documentSHA256: view.documentSHA256, reason: "kernel update", ticket: "CHG-9",
                acceptFailures: failures, dwellMilliseconds: Self.dwell), peer: peer)
    }

    private func rollout(_ fixture: PlanFixture) async throws -> RolloutView {
        try await fixture.references.rollout("golden", peer: fixture.ada)
    }

    /// Places of the nodes that the version judged.
    private func judged(_ replies: [EvidenceReply], by set: String, _ fixture: PlanFixture) async throws -> [Int] {
        var places: [Int] = []
        for (place, reply) in replies.enumerated() where try await fixture.set(of: reply) == set {
            places.append(place)
        }
        return places
    }

    @Test(
        "RV-15: a bad reference set is stopped by the preview, and by the canary of 1 % of 200 nodes when the preview is skipped"
    )
    func badSet() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(200)
        #expect(try await refusalCode { try await start(fixture, by: fixture.ada) } == "REF_PREVIEW")
        #expect(
            try await refusalCode { try await start(fixture, accepting: 200, by: fixture.ada) } == "REF_NEEDS_APPROVAL")
        let started = try await start(fixture, accepting: 200, by: fixture.bob)
        #expect(started.stagePercent == 1 && started.canaries == 2 && started.nodes == 200 && started.judged == 0)
        let mark = try await fixture.bench.mark()
        let replies = try await fixture.attest(nodes)
        let canaries = try await judged(replies, by: "golden@2", fixture)
        #expect(canaries.count == 2)
        for (place, reply) in replies.enumerated() {
            #expect(reply.verdict == (canaries.contains(place) ? .fail : .pass))
        }
        #expect(try await rollout(fixture).newlyFailing == 2)
        try await fixture.bench.monitor.tick()
        let halted = try await rollout(fixture)
        #expect(halted.status == .halted && halted.stagePercent == 1 && halted.endedBy == "verifier")
        #expect(try await fixture.activeVersion() == 1)
        let set = try await fixture.references.reference("golden", version: 2, peer: fixture.ada).view
        #expect(set.status == .rejected)
        let events = try await fixture.events(after: mark)
        #expect(events.filter { $0.eventID == "ROLLOUT_HALTED" }.map(\.severity) == [.high])
        let hit = Set(canaries.map { nodes[$0].id.rawValue })
        #expect(Set(events.filter { $0.eventID == SecurityEventID.nodeUntrusted }.compactMap(\.node)) == hit)
        #expect(Set(events.filter { $0.eventID == SecurityEventID.nodeCleared }.compactMap(\.node)) == hit)
        // What only the bad set failed is good again with its next evidence; the others never noticed.
        let after = try await fixture.attest(nodes)
        #expect(after.allSatisfy { $0.verdict == .pass })
        #expect(try await judged(after, by: "golden@1", fixture).count == 200)
        for place in canaries { #expect(try await fixture.bench.record(nodes[place])?.standing == .good) }
        #expect(try await refusalCode { try await start(fixture, by: fixture.ada) } != nil)
    }

    @Test("A good set goes from 1 % over 10 % to all, each stage judged and past its time, and is active then")
    func goodSet() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(20)
        let set = try await fixture.approve([PlanFixture.old, PlanFixture.new])
        _ = try await start(fixture, version: set.version, by: fixture.ada)
        let name = "golden@\(set.version)"
        var seen: Set<Int> = []
        for (percent, count) in [(1, 1), (10, 2), (100, 20)] {
            fixture.bench.advance(Self.dwell)
            // Nobody of the stage was judged by it yet, or the others of it were not.
            try await fixture.bench.monitor.tick()
            #expect(try await rollout(fixture).stagePercent == percent)
            let replies = try await fixture.attest(nodes)
            #expect(replies.allSatisfy { $0.verdict == .pass })
            let canaries = Set(try await judged(replies, by: name, fixture))
            #expect(canaries.count == count && canaries.isSuperset(of: seen))
            seen = canaries
            #expect(try await rollout(fixture).judged == count)
            #expect(try await fixture.activeVersion() == 1)
            try await fixture.bench.monitor.tick()
        }
        let done = try await rollout(fixture)
        #expect(done.status == .completed && done.endedBy == "verifier")
        #expect(try await fixture.activeVersion() == set.version)
        #expect(try await fixture.attest(nodes).allSatisfy { $0.verdict == .pass })
        let ids = try await fixture.bench.events().map(\.eventID)
        #expect(ids.filter { $0 == "ROLLOUT_ADVANCED" }.count == 2 && ids.contains("ROLLOUT_COMPLETED"))
        let last = try #require(
            try await fixture.references.history(ofReference: "golden", peer: fixture.ada).items.last)
        let back = try await fixture.references.rollback(
            "golden", ReferenceRollbackRequest(reason: "test", ticket: nil), peer: fixture.ada)
        #expect(back.rolledBack.version == set.version && back.active.version == 1)
        #expect(last.act == "activate" && last.note?.contains("ada") == true && last.ticket == "CHG-9")
    }

    @Test("Rollouts of all sets are listed, with their counts, page by page; a cursor of another list is refused")
    func listing() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(2)
        func list(_ open: Bool?, cursor: String? = nil, limit: Int = 10) async throws -> Page<RolloutView> {
            try await fixture.references.rollouts(open: open, cursor: cursor, limit: limit, peer: fixture.ada)
        }
        #expect(try await list(nil).items.isEmpty)
        for reason in ["first", "second"] {
            let set = try await fixture.approve([PlanFixture.old, PlanFixture.new])
            _ = try await start(fixture, version: set.version, by: fixture.ada)
            guard reason == "first" else { break }
            _ = try await fixture.references.haltRollout(
                "golden", ReferenceRollbackRequest(reason: reason, ticket: nil), peer: fixture.bob)
        }
        _ = try await fixture.attest(nodes)
        let all = try await list(nil)
        #expect(all.items.map(\.status) == [.open, .halted] && all.nextCursor == nil)
        #expect(all.items.first == (try await rollout(fixture)) && all.items.first?.judged == 1)
        #expect(try await list(true).items == Array(all.items.prefix(1)))
        #expect(try await list(false).items == Array(all.items.suffix(1)))
        let first = try await list(nil, limit: 1)
        #expect(first.items == Array(all.items.prefix(1)))
        let second = try await list(nil, cursor: first.nextCursor, limit: 1)
        #expect(second.items == Array(all.items.suffix(1)) && second.nextCursor == nil)
        #expect(try await refusalCode { try await list(nil, cursor: "edge-01") } == "API_CURSOR")
    }

    @Test("A stage does not end before its time, however soon its nodes were judged")
    func dwell() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(2)
        let set = try await fixture.approve([PlanFixture.old, PlanFixture.new])
        _ = try await start(fixture, version: set.version, by: fixture.ada)
        _ = try await fixture.attest(nodes)
        fixture.bench.advance(Self.dwell - 1)
        try await fixture.bench.monitor.tick()
        #expect(try await rollout(fixture).stagePercent == 1)
        fixture.bench.advance(1)
        try await fixture.bench.monitor.tick()
        #expect(try await rollout(fixture).stagePercent == 10)
    }

    @Test("A canary that both sets fail is not the set's fault: it halts nothing, and a halt by hand does not clear it")
    func tamperedCanary() async throws {
        let fixture = try await PlanFixture()
        var nodes = try await fixture.fleet(3)
        let set = try await fixture.approve([PlanFixture.old, PlanFixture.new])
        _ = try await start(fixture, version: set.version, by: fixture.ada)
        let name = "golden@\(set.version)"
        let canary = try #require(try await judged(try await fixture.attest(nodes), by: name, fixture).first)
        try nodes[canary].start(PlanFixture.other)
        #expect(try await fixture.bench.attest(nodes[canary]).verdict == .fail)
        try await fixture.bench.monitor.tick()
        let view = try await rollout(fixture)
        #expect(view.status == .open && view.judged == 1 && view.newlyFailing == 0)
        let halt = try await fixture.references.haltRollout(
            "golden", ReferenceRollbackRequest(reason: "postponed", ticket: nil), peer: fixture.bob)
        #expect(halt.rollout.status == .halted && halt.rollout.endedBy == "bob")
        #expect(halt.cleared.isEmpty && halt.stillFailed == [nodes[canary].id])
        let request = ReferenceRollbackRequest(reason: "again", ticket: nil)
        #expect(
            try await refusalCode {
                try await fixture.references.haltRollout("golden", request, peer: fixture.bob)
            } == "REF_STATUS")
    }

    @Test("While a set is activated in stages nothing else replaces it, and no plan begins beside it")
    func exclusive() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(2)
        let set = try await fixture.approve([PlanFixture.old, PlanFixture.new])
        let third = try await fixture.approve([PlanFixture.old])
        _ = try await start(fixture, version: set.version, by: fixture.ada)
        func act(_ act: ReferenceAct, _ view: ReferenceView) async throws -> String? {
            try await refusalCode {
                try await fixture.references.act(
                    act, on: "golden", version: view.version,
                    ReferenceActRequest(documentSHA256: view.documentSHA256, reason: "test"), peer: fixture.bob)
            }
        }
        #expect(try await act(.activate, set) == "ROLLOUT_OPEN")
        #expect(try await act(.activate, third) == "ROLLOUT_OPEN")
        #expect(try await act(.reject, set) == "ROLLOUT_OPEN")
        #expect(
            try await refusalCode { try await start(fixture, version: third.version, by: fixture.ada) }
                == "ROLLOUT_OPEN")
        #expect(try await refusalCode { try await fixture.plan(nodes, version: third.version) } == "ROLLOUT_OPEN")
        let request = ReferenceRollbackRequest(reason: "test", ticket: nil)
        #expect(
            try await refusalCode { try await fixture.references.rollback("golden", request, peer: fixture.ada) }
                == "ROLLOUT_OPEN")
    }

    @Test("The same set meets the same nodes first")
    func reproducible() async throws {
        func order() async throws -> [Int?] {
            let fixture = try await PlanFixture()
            let nodes = try await fixture.fleet(6)
            _ = try await start(fixture, accepting: 6, by: fixture.bob)
            return try await fixture.bench.store.read { snapshot in
                let number = try snapshot.openRollout(group: "default")?.number ?? 0
                return try nodes.map { try snapshot.rolloutNode($0.id, in: number)?.position }
            }
        }
        let first = try await order()
        #expect(Set(first) == [0, 1, 2, 3, 4, 5])
        #expect(try await order() == first)
    }

    @Test("What a crash left undone after a halt is caught up: the nodes that only the halted set failed are cleared")
    func crash() async throws {
        let fixture = try await PlanFixture()
        let nodes = try await fixture.fleet(2)
        _ = try await start(fixture, accepting: 2, by: fixture.bob)
        let replies = try await fixture.attest(nodes)
        let canary = try #require(try await judged(replies, by: "golden@2", fixture).first)
        try await fixture.bench.store.write { tx in
            guard var rollout = try tx.openRollout(group: "default") else { return }
            rollout.status = .halted
            rollout.endedBy = "verifier"
            rollout.endedAtMilliseconds = tx.now
            try tx.save(rollout)
        }
        #expect(try await fixture.bench.record(nodes[canary])?.standing == .failed)
        try await fixture.bench.monitor.tick()
        #expect(try await fixture.bench.record(nodes[canary])?.standing == .unproven)
        #expect(try await fixture.bench.store.read { try $0.unfinishedRollouts() }.isEmpty)
    }

    @Test(
        "A stage waits for 90 % of its nodes and its time; any newly failing node halts the first one, more than 2 % the later ones",
        arguments: [
            (0, 2, 2, 0, true, 600, RolloutDecision.advance), (0, 2, 1, 0, true, 600, .wait),
            (0, 2, 0, 0, true, 600, .wait), (0, 0, 0, 0, true, 600, .wait), (1, 20, 18, 0, true, 600, .advance),
            (1, 20, 17, 0, true, 600, .wait), (1, 100, 100, 2, true, 600, .advance),
            (2, 200, 180, 4, true, 600, .complete), (2, 200, 200, 0, true, 599, .wait),
        ] as [(Int, Int, Int, Int, Bool, Int64, RolloutDecision)])
    func decisions(
        stage: Int, canaries: Int, judged: Int, failing: Int, isActivatable: Bool, after: Int64,
        expected: RolloutDecision
    ) {
        #expect(Self.decision(stage, canaries, judged, failing, isActivatable, after) == expected)
    }

    @Test(
        "More failures than the limit, or a set that can no longer be activated, halt at once",
        arguments: [(0, 2, 1, 1, true), (1, 100, 3, 3, true), (2, 200, 5, 5, true), (1, 20, 0, 0, false)])
    func halts(stage: Int, canaries: Int, judged: Int, failing: Int, isActivatable: Bool) {
        guard case .halt = Self.decision(stage, canaries, judged, failing, isActivatable, 0) else {
            Issue.record("goes on")
            return
        }
    }

    private static func decision(
        _ stage: Int, _ canaries: Int, _ judged: Int, _ failing: Int, _ isActivatable: Bool, _ after: Int64
    ) -> RolloutDecision {
        let rollout = RolloutRecord(
            group: "default", referenceName: "golden", referenceVersion: 2, stage: stage, stageSinceMilliseconds: 0,
            dwellMilliseconds: 600, size: 200, reason: "test", ticket: nil, startedBy: "ada", startedAtMilliseconds: 0)
        return RolloutDecision(
            rollout,
            RolloutCounts(canaries: canaries, judged: judged, newlyFailing: failing, failing: []),
            isActivatable: isActivatable, now: after)
    }
}
