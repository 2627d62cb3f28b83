import AttestationMessages
import SecurityEvents
import Testing
import VerifierService
import VerifierStore

@Suite("Admission override")
struct OverrideTests {
    private static let hour: Int64 = 3_600_000
    private let ada = OperatorPeer(name: "ada", roles: [.securityAdmin], keySHA256: "aa", source: "test")
    private let bob = OperatorPeer(name: "bob", roles: [.approver], keySHA256: "bb", source: "test")
    /// Ada's key under another name.
    private let eve = OperatorPeer(name: "eve", roles: [.approver], keySHA256: "aa", source: "test")
    private let act = OverrideActRequest(reason: "called the site")

    private func service(_ bench: VerifierTestBench, labMode: Bool = false) -> OverrideService {
        OverrideService(store: bench.store, issuer: StubAdmissionIssuer(), random: SystemRandom(), labMode: labMode)
    }

    private func propose(_ bench: VerifierTestBench, _ node: SoftwareNode, hours: Int64 = 4) async throws
        -> OverrideView
    {
        try await service(bench).propose(
            OverrideProposal(
                reason: "ticket 88", untilMilliseconds: bench.store.clock.now() + hours * Self.hour),
            for: node.id, peer: ada)
    }

    /// A node that was trusted and is stale now, and its override.
    private func active(hours: Int64 = 4) async throws -> (VerifierTestBench, SoftwareNode, OverrideView) {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        bench.advance(2 * Self.hour)
        let proposed = try await propose(bench, node, hours: hours)
        return (bench, node, try await service(bench).approve(proposed.overrideID, of: node.id, act, peer: bob))
    }

    private func code(_ body: () async throws -> Void) async throws -> String? {
        do {
            try await body()
            return nil
        } catch let error as ServiceError { return error.code }
    }

    private func steps(_ bench: VerifierTestBench) async throws -> [String] {
        try await bench.events().filter { $0.eventID == "ADM_OVERRIDE" && $0.severity == .high }
            .map { $0.fields["step"] ?? "?" }
    }

    private func ask(_ bench: VerifierTestBench, _ node: SoftwareNode) async throws -> AdmissionReply {
        try await bench.admission.admission(
            of: node.id, audience: "test", asker: .consumer(VerifierTestBench.consumer))
    }

    @Test("An admission by evidence says for how many seconds it holds; they run out, and a denial names none")
    func admittedFor() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        #expect(try await ask(bench, node).admittedForSeconds == nil)
        try await bench.attest(node)
        let first = try await ask(bench, node)
        let seconds = try #require(first.admittedForSeconds)
        #expect(first.decision == .admit && seconds > 300)
        bench.advance(100_000)
        #expect(try await ask(bench, node).admittedForSeconds == seconds - 100)
        bench.advance(Int64(seconds) * 1000)
        let stale = try await ask(bench, node)
        #expect(stale.decision == .deny && stale.reason == "ADM_STALE" && stale.admittedForSeconds == nil)
    }

    @Test("AD-11: two persons admit a stale node; every answer shows it; it ends by itself, with an alarm")
    func wholeLife() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        bench.advance(2 * Self.hour)
        #expect(try await bench.decision(node) == "ADM_STALE")
        let proposed = try await propose(bench, node)
        #expect(proposed.status == .proposed && proposed.token == nil)
        #expect(try await bench.decision(node) == "ADM_STALE", "a proposal admits nobody")
        let view = try await service(bench).approve(proposed.overrideID, of: node.id, act, peer: bob)
        #expect(view.status == .active && view.approvedBy == "bob" && !view.labMode)
        #expect(view.token == view.overrideID)
        #expect(try await steps(bench) == ["started"])

        let reply = try await ask(bench, node)
        #expect(reply.decision == .admit && reply.reason == "ADM_OVERRIDE")
        #expect(reply.override?.proposedBy == "ada" && reply.override?.token == view.token)
        #expect(reply.admittedForSeconds == Int(view.untilMilliseconds - bench.store.clock.now()) / 1000)
        let listed = try await bench.admission.admissions(cursor: nil, limit: 10, peer: VerifierTestBench.consumer)
        #expect(listed.items.map(\.reason) == ["ADM_OVERRIDE"])
        // Said even where the evidence would admit.
        try await bench.attest(node)
        #expect(try await ask(bench, node).reason == "ADM_OVERRIDE")

        bench.advance(view.untilMilliseconds - bench.store.clock.now() - 1)
        let last = try await ask(bench, node)
        #expect(last.decision == .admit && last.validUntilMilliseconds == view.untilMilliseconds)
        #expect(last.admittedForSeconds == 0, "less than a second is none")
        try await bench.monitor.tick()
        #expect(try await steps(bench) == ["started"])
        bench.advance(1)
        #expect(try await bench.decision(node) == "ADM_STALE", "at once, without the monitor")
        try await bench.monitor.tick()
        try await bench.monitor.tick()
        #expect(try await steps(bench) == ["started", "ended"])
        let history = try await service(bench).overrides(open: nil, node: node.id, cursor: nil, limit: 10, peer: ada)
        #expect(history.items.map(\.status) == [.ended] && history.items.first?.endedBy == "verifier")
        let actions = try await bench.store.read { try $0.auditRecords(before: nil, limit: 100).map(\.action) }
        for action in ["override.propose", "override.approve", "override.end"] { #expect(actions.contains(action)) }
        #expect(try await bench.store.verifyAudit().firstBadNumber == nil)
    }

    @Test("AD-11: neither the same person nor the same key under another name approves; lab mode does, and shows")
    func fourEyes() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let proposed = try await propose(bench, node)
        for peer in [ada, eve] {
            let refused = try await code {
                _ = try await service(bench).approve(proposed.overrideID, of: node.id, act, peer: peer)
            }
            #expect(refused == "REF_NEEDS_APPROVAL")
        }
        #expect(try await bench.decision(node) == "ADM_PENDING")
        let view = try await service(bench, labMode: true).approve(proposed.overrideID, of: node.id, act, peer: ada)
        #expect(view.labMode)
        #expect(try await ask(bench, node).override?.labMode == true)
    }

    @Test("AD-11: an end over 24 h ahead, or past, is refused with 422", arguments: [25, 0, -1])
    func tooLong(hours: Int64) async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let error = await #expect(throws: ServiceError.self) { try await propose(bench, node, hours: hours) }
        #expect(error?.kind == .invalid && error?.code == "OVERRIDE_END")
    }

    @Test("AD-11: a proposal whose time ran out is not approved, and its end is no alarm")
    func lateApproval() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let proposed = try await propose(bench, node, hours: 1)
        bench.advance(Self.hour)
        let refused = try await code {
            _ = try await service(bench).approve(proposed.overrideID, of: node.id, act, peer: bob)
        }
        #expect(refused == "OVERRIDE_END")
        try await bench.monitor.tick()
        #expect(try await steps(bench).isEmpty)
        // There is room for a new one.
        _ = try await propose(bench, node)
    }

    @Test("AD-11: an operator ends it early, with an alarm; an ended one never comes back")
    func earlyEnd() async throws {
        let (bench, node, view) = try await active()
        #expect(try await code { _ = try await propose(bench, node) } == "OVERRIDE_STATE")
        let ended = try await service(bench).end(view.overrideID, of: node.id, act, peer: bob)
        #expect(ended.status == .ended && ended.endedBy == "bob")
        #expect(try await bench.decision(node) == "ADM_STALE")
        #expect(try await steps(bench) == ["started", "ended"])
        for act in [service(bench).approve, service(bench).end] {
            let refused = try await code { _ = try await act(view.overrideID, node.id, self.act, bob) }
            #expect(refused == "OVERRIDE_STATE")
        }
        let other = try #require(NodeID("other"))
        let refused = try await code {
            _ = try await service(bench).end(view.overrideID, of: other, act, peer: bob)
        }
        #expect(refused == "API_UNKNOWN")
    }

    @Test(
        "AD-11: no override holds for a revoked, pending or suspended node, nor can one be proposed",
        arguments: [NodeLifecycle.revoked, .pending, .suspended])
    func lifecycle(_ lifecycle: NodeLifecycle) async throws {
        let (bench, node, _) = try await active()
        try await bench.store.write { tx in
            var record = try #require(try tx.node(node.id))
            record.lifecycle = lifecycle
            try tx.save(record)
        }
        let reply = try await ask(bench, node)
        #expect(reply.decision == .deny && reply.override == nil && reply.admissionCertificates.isEmpty)
        #expect(try await code { _ = try await propose(bench, node) } != nil)
        try await bench.monitor.tick()
        #expect(try await steps(bench) == (lifecycle == .suspended ? ["started"] : ["started", "ended"]))
    }

    @Test("AD-11: an override is bound to the node's site, and ends where the node moves")
    func site() async throws {
        let (bench, node, _) = try await active()
        try await bench.store.write { tx in
            var record = try #require(try tx.node(node.id))
            record.site = "paris"
            try tx.save(record)
        }
        #expect(try await bench.decision(node) == "ADM_STALE")
        try await bench.monitor.tick()
        #expect(try await steps(bench) == ["started", "ended"])
    }

    @Test("AD-11: the store itself refuses one person in both parts, a life over 24 h, and a changed proposal")
    func constraints() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let id = try await propose(bench, node).overrideID
        let changes: [@Sendable (inout OverrideRecord) -> Void] = [
            { $0.approvedBy = "ada" }, { $0.approvedByKeySHA256 = "aa" }, { $0.approvedAtMilliseconds = 1 },
            { $0.reason = "another" }, { $0.untilMilliseconds += 1 }, { $0.akName[5] ^= 1 },
        ]
        for change in changes {
            await #expect(throws: ServiceError.self) {
                try await bench.store.write { tx in
                    var record = try #require(try tx.override(id))
                    record.status = .active
                    record.approvedBy = "bob"
                    record.approvedByKeySHA256 = "bb"
                    record.approvedAtMilliseconds = tx.now
                    change(&record)
                    try tx.save(record)
                }
            }
        }
    }
}
