import Appraisal
import AttestationMessages
import SecurityEvents
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("The reboot ledger")
struct RebootLedgerTests {
    private func ledger(_ bench: VerifierTestBench, _ node: SoftwareNode) async throws -> [RebootView] {
        try await bench.store.read { try $0.reboots(of: node.id, before: nil, limit: 100) }
    }

    private func unexpected(_ bench: VerifierTestBench) async throws -> Int {
        try await bench.events().count { $0.eventID == SecurityEventID.bootUnexpected }
    }

    private let ada = OperatorPeer(name: "ada", roles: Set(Role.allCases), keySHA256: "aa", source: "192.0.2.1")

    private func announce(
        _ bench: VerifierTestBench, _ node: SoftwareNode, until: Int64?, _ reason: String = "CHG-1"
    ) async throws {
        _ = try await NodeService(store: bench.store, random: SystemRandom(), policy: bench.policy).act(
            .expectReboot, on: node.id, NodeActRequest(reason: reason, untilMilliseconds: until), peer: ada)
    }

    @Test(
        "QF-18: each reboot is one row with its counters, the boots that were jumped, the time without evidence and its verdict"
    )
    func rows() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        #expect(try await ledger(bench, node).isEmpty)
        bench.advance(60_000)
        try await bench.attest(node)
        #expect(try await ledger(bench, node).isEmpty)
        bench.advance(600_000)
        node.reboot()
        node.reboot()
        node.reboot()
        let reply = try await bench.attest(node)
        try await bench.attest(node)
        let row = try #require(try await ledger(bench, node).first)
        #expect(try await ledger(bench, node).count == 1)
        #expect(row.resetCountBefore == 1 && row.resetCountAfter == 4 && row.unseenBoots == 2)
        #expect(row.withoutEvidenceMilliseconds == 600_000)
        #expect(row.bootIDBefore == "boot-1" && row.bootIDAfter == "boot-1+++")
        #expect(row.verdictID == reply.verdictID)
        #expect(row.explanation == .unexplained && row.explainedBy == nil)
        #expect(row.findings == ["BOOT_NEW", "BOOT_UNEXPECTED"])
        #expect(try await unexpected(bench) == 1)
    }

    @Test(
        "QF-18: an announced reboot is explained and raises no alarm; after its time or after it was taken back it does"
    )
    func announced() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        let now = bench.store.clock.now()
        try await announce(bench, node, until: now + 600_000)
        node.reboot()
        #expect(try await bench.attest(node).verdict == .pass)
        var row = try #require(try await ledger(bench, node).first)
        #expect(row.explanation == .operator && row.explainedBy == "ada" && row.reason == "CHG-1")
        #expect(row.findings == ["BOOT_NEW"])
        #expect(try await unexpected(bench) == 0)
        bench.advance(600_000)
        node.reboot()
        try await bench.attest(node)
        row = try #require(try await ledger(bench, node).first)
        #expect(row.explanation == .unexplained)
        #expect(try await unexpected(bench) == 1)
        try await announce(bench, node, until: bench.store.clock.now() + 600_000)
        try await announce(bench, node, until: nil, "postponed")
        node.reboot()
        try await bench.attest(node)
        #expect(try await ledger(bench, node).first?.explanation == .unexplained)
        #expect(await nodeRefusal { try await announce(bench, node, until: nil) }?.code == "NODE_STATE")
        let late = bench.store.clock.now() + 7 * 86_400_000 + 1
        #expect(await nodeRefusal { try await announce(bench, node, until: late) }?.code == "NODE_REBOOT_UNTIL")
        #expect(
            await nodeRefusal { try await announce(bench, node, until: bench.store.clock.now()) }?.code
                == "NODE_REBOOT_UNTIL")
    }

    @Test("QF-19, QF-20: an announcement explains neither a TPM reset under a running system nor a restart")
    func notExplained() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        try await announce(bench, node, until: bench.store.clock.now() + 600_000)
        node.clock.resetCount += 1
        node.clock.clock += 1
        #expect(try await bench.attest(node).verdict == .fail)
        #expect(try await ledger(bench, node).first?.explanation == .unexplained)
        #expect(try await ledger(bench, node).first?.findings == ["QUOTE_RESET_UNEXPLAINED"])
        node.clock.restartCount += 2
        #expect(try await bench.attest(node).verdict == .fail)
        let row = try #require(try await ledger(bench, node).first)
        #expect(row.findings == ["QUOTE_RESTART"] && row.explanation == .unexplained && row.unseenBoots == 1)
    }

    @Test(
        "IM-11: a kernel that started without a reset of the TPM fails until the next reset, and is one row of the ledger"
    )
    func kexec() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        try await announce(bench, node, until: bench.store.clock.now() + 600_000)
        bench.advance(60_000)
        node.kexec()
        let failure = try await bench.attest(node)
        #expect(failure.verdict == .fail)
        let row = try #require(try await ledger(bench, node).first)
        #expect(row.isWithoutReset && row.unseenBoots == 0 && row.withoutEvidenceMilliseconds == 60_000)
        #expect(row.bootIDBefore == "boot-1" && row.bootIDAfter == "boot-1k" && row.verdictID == failure.verdictID)
        #expect(row.findings == ["BOOT_WITHOUT_RESET"] && row.explanation == .unexplained)
        let event = try #require(try await bench.events().first { $0.eventID == "BOOT_WITHOUT_RESET" })
        #expect(event.severity == .high && event.fields["layer"] == "tpm-identity")
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
        // The registers tell of the first kernel for as long as the TPM is not reset, whoever clears the fail.
        try await clear(bench, node, failure)
        let again = try await bench.attest(node)
        #expect(again.verdict == .fail)
        #expect(try await ledger(bench, node).count == 1)
        node.kexec()
        #expect(try await bench.attest(node).verdict == .fail)
        #expect(try await ledger(bench, node).map(\.bootIDAfter) == ["boot-1kk", "boot-1k"])
        try await clear(bench, node, again)
        node.reboot()
        #expect(try await bench.attest(node).verdict == .pass)
        #expect(try await bench.decision(node) == "admit")
        #expect(try await ledger(bench, node).first?.findings == ["BOOT_NEW"])
    }

    private func clear(_ bench: VerifierTestBench, _ node: SoftwareNode, _ failure: EvidenceReply) async throws {
        _ = try await NodeService(store: bench.store, random: SystemRandom(), policy: bench.policy).act(
            .clear, on: node.id, NodeActRequest(reason: "seen", verdictID: failure.verdictID), peer: ada)
    }

    @Test("IM-11: a kernel without a reset is found too where its evidence waits for a log")
    func kexecWithUpload() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        node.kexec()
        node.reports[BindingTests.accounts] = BindingTests.report("alice")
        let reply = try await bench.attestation.submit(try await node.evidence(bench), node: node.peer)
        #expect(reply.verdict == nil)
        #expect(try await ledger(bench, node).first?.verdictID == reply.evidenceID)
        #expect(try await bench.finish(reply, node).verdict == .fail)
        let verdict = try await bench.store.read { try $0.verdict(reply.evidenceID) }
        #expect(verdict?.reasons.contains("BOOT_WITHOUT_RESET") == true)
        #expect(try await ledger(bench, node).count == 1)
    }

    @Test("QF-21: counters that went back are one row, however often the TPM shows them")
    func rollback() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        node.clock.resetCount = 5
        try await bench.attest(node)
        node.clock.resetCount = 2
        for _ in 0..<3 { #expect(try await bench.attest(node).verdict == .fail) }
        let rows = try await ledger(bench, node)
        #expect(rows.count == 1)
        #expect(rows.first?.resetCountBefore == 5 && rows.first?.resetCountAfter == 2 && rows.first?.unseenBoots == 0)
    }

    @Test("A reboot whose logs are never uploaded is in the ledger, under the verdict that its evidence ends with")
    func abandoned() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        node.reboot()
        node.eventLog += [0]
        let reply = try await bench.attestation.submit(try await node.evidence(bench), node: node.peer)
        #expect(reply.verdict == nil)
        #expect(try await ledger(bench, node).first?.verdictID == reply.evidenceID)
        bench.advance(bench.policy.uploadLife + 1)
        try await bench.monitor.tick()
        #expect(try await bench.store.read { try $0.verdict(reply.evidenceID) }?.verdict == .error)
        #expect(try await ledger(bench, node).count == 1)
    }

    @Test("A change plan explains a reboot before any announcement does")
    func plan() async throws {
        struct Plan: RebootExplaining {
            func explanation(
                ofRebootOf node: NodeRecord, resets: UInt32, now: Int64, _ snapshot: any StoreSnapshot
            ) throws -> RebootExplanation? { .plan(id: "plan-7", reason: "kernel 6.1.0-42") }
        }
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        try await announce(bench, node, until: bench.store.clock.now() + 600_000)
        node.reboot()
        let service = AttestationService(store: bench.store, policy: bench.policy, plans: Plan())
        let challenge = try await service.challenge(
            ChallengeRequest(bootID: node.bootID, agentRunID: node.runID), node: node.peer)
        _ = try await service.submit(try node.evidence(for: challenge), node: node.peer)
        let row = try #require(try await ledger(bench, node).first)
        #expect(row.explanation == .plan && row.explainedBy == "plan-7" && row.reason == "kernel 6.1.0-42")
        #expect(try await unexpected(bench) == 0)
    }

    @Test("The ledger is read page by page, stays after its node is removed, and retention ends it")
    func paging() async throws {
        let bench = try await VerifierTestBench()
        let nodes = NodeService(store: bench.store, random: SystemRandom(), policy: bench.policy)
        var node = try await bench.enrolled()
        try await bench.attest(node)
        for _ in 0..<3 {
            node.reboot()
            try await bench.attest(node)
        }
        let first = try await nodes.reboots(of: node.id, cursor: nil, limit: 2, peer: ada)
        #expect(first.items.map(\.resetCountAfter) == [4, 3])
        let second = try await nodes.reboots(of: node.id, cursor: first.nextCursor, limit: 2, peer: ada)
        #expect(second.items.map(\.resetCountAfter) == [2] && second.nextCursor == nil)
        _ = try await nodes.act(.remove, on: node.id, NodeActRequest(reason: "gone"), peer: ada)
        #expect(try await nodes.reboots(of: node.id, cursor: nil, limit: 9, peer: ada).items.count == 3)
        bench.advance(1_000)
        try await bench.store.write { try $0.purge(Retention(failVerdictAge: 0)) }
        let id = node.id
        #expect(await nodeRefusal { _ = try await nodes.reboots(of: id, cursor: nil, limit: 9, peer: ada) } != nil)
    }
}
