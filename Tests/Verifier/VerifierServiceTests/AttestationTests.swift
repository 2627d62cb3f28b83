import AttestationMessages
import AttestationTestKit
import SecurityEvents
import TPMCryptography
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("Attestation and admission")
struct AttestationTests {
    @Test("Honest evidence of the approved boot passes, uploads only what is unknown, and admits")
    func pass() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let first = try await bench.attestation.submit(try await node.evidence(bench), node: node.peer)
        #expect(first.need == [LogNeed(log: "event-log", offset: 0)])
        let verdict = try await bench.finish(first, node)
        #expect(verdict.verdict == .pass && verdict.nextAttestationInSeconds == 300)
        #expect(try await bench.decision(node) == "admit")
        bench.advance(1000)
        // The second time the log is known, and nothing but the history grows.
        let second = try await bench.attestation.submit(try await node.evidence(bench), node: node.peer)
        #expect(second.verdict == .pass)
        let history = try await bench.store.read { try $0.verdicts(of: node.id, before: nil, limit: 10) }
        #expect(history.count == 2)
        #expect(history.first?.sameAs == history.last?.verdictID && history.first?.result == nil)
        #expect(try await bench.store.verifyAudit().firstBadNumber == nil)
    }

    @Test("An upload that was cut off goes on at the open offset; bytes elsewhere are not taken")
    func resume() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let submission = try await node.evidence(bench)
        let first = try await bench.attestation.submit(submission, node: node.peer)
        func put(_ offset: Int, _ bytes: [UInt8]) async throws -> EvidenceReply {
            try await bench.attestation.upload(
                evidenceID: first.evidenceID, log: .eventLog, offset: offset, bytes: bytes, node: node.peer)
        }
        #expect(try await put(0, Array(node.eventLog.prefix(1000))).need.first?.offset == 1000)
        #expect(try await put(0, Array(node.eventLog.prefix(1000))).need.first?.offset == 1000)
        #expect(try await put(5000, [1, 2, 3]).need.first?.offset == 1000)
        #expect(await nodeRefusal { _ = try await put(1000, node.eventLog) }?.kind == .tooLarge)
        // The same evidence again is told what is still missing.
        #expect(try await bench.attestation.submit(submission, node: node.peer).need.first?.offset == 1000)
        #expect(try await put(1000, Array(node.eventLog.dropFirst(1000))).verdict == .pass)
    }

    @Test("AD-06, AD-01: logs that never come are an error, which refreshes nothing: the node goes stale")
    func neverCompleted() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        var other = node
        other.eventLog.append(0)
        bench.advance(120_000)
        let reply = try await bench.attestation.submit(try await other.evidence(bench), node: node.peer)
        #expect(reply.need.count == 1)
        bench.advance(15 * 60_000)
        try await bench.monitor.tick()
        let verdict = try await bench.store.read { try $0.verdict(reply.evidenceID) }
        #expect(verdict?.verdict == .error)
        #expect(try await bench.record(node)?.standing == .good)
        #expect(try await bench.decision(node) == "ADM_STALE")
        #expect(try await bench.record(node)?.shownState == .stale)
        #expect(try await bench.events().contains { $0.eventID == "ADM_STALE" })
    }

    @Test("AD-01, AD-08: silence makes a node stale; the next pass admits it without an operator")
    func stale() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        bench.advance(2 * VerifierTestBench.interval + bench.policy.staleGrace + 1)
        #expect(try await bench.decision(node) == "ADM_STALE")
        try await bench.attest(node)
        #expect(try await bench.decision(node) == "admit")
    }

    @Test("AD-02, AD-05: a fail denies at once, and silence and a later pass do not wash it away")
    func sticky() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        var bad = node
        bad.values.set(.ones(.sha256), bank: .sha256, index: try #require(PCRIndex(4)))
        bad.clock.clock += 1000
        #expect(try await bench.attest(bad).verdict == .fail)
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
        let event = try #require(try await bench.events().last { $0.eventID == "LOG_REPLAY" })
        #expect(event.fields["layer"] != nil && event.fields["verdict"] == "fail")
        bench.advance(3_600_000)
        var good = node
        good.clock.clock += 3_600_000
        #expect(try await bench.attest(good).verdict == .pass)
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
        #expect(try await bench.record(node)?.shownState == .untrusted)
    }

    @Test("AD-12: a node that failed and was removed is failed again when its EK or its id comes back")
    func reenrollment() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        var bad = node
        bad.values.set(.ones(.sha256), bank: .sha256, index: try #require(PCRIndex(4)))
        try await bench.attest(bad)
        try await bench.store.write { try $0.deleteNode(node.id) }
        try await bench.enroll(node)
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
        var renamed = node
        renamed.id = try #require(NodeID("n9"))
        try await bench.store.write { try $0.deleteNode(node.id) }
        try await bench.addToManifestReplacing(renamed)
        try await bench.enroll(renamed)
        #expect(try await bench.decision(renamed) == "ADM_STICKY_FAIL")
    }

    @Test("AD-10: unknown, pending and revoked nodes are denied, each with its reason")
    func denied() async throws {
        let bench = try await VerifierTestBench()
        let waiting = try SoftwareNode("n2")
        try await bench.enroll(waiting)
        let revoked = try await bench.enrolled()
        try await bench.attest(revoked)
        #expect(try await bench.decision(revoked) == "admit")
        try await bench.store.write { tx in
            guard var record = try tx.node(revoked.id) else { return }
            record.lifecycle = .revoked
            try tx.save(record)
        }
        let unproven = try await bench.enrolled("n3")
        for (node, reason) in [
            (try SoftwareNode("nobody"), "ADM_UNKNOWN"), (waiting, "ADM_PENDING"), (unproven, "ADM_PENDING"),
            (revoked, "ID_NODE_REVOKED"),
        ] {
            let reply = try await bench.admission.admission(
                of: node.id, audience: "test", asker: .consumer(VerifierTestBench.consumer))
            #expect(reply.decision == .deny && reply.reason == reason)
            #expect(reply.admissionCertificates.isEmpty)
        }
    }

    @Test("Verdicts of one millisecond keep the order in which they were decided, page by page")
    func order() async throws {
        let bench = try await VerifierTestBench()
        let (node, other) = (try await bench.enrolled(), try await bench.enrolled("n2"))
        var decided: [String] = []
        for _ in 0..<20 {
            decided.append(try #require(try await bench.attest(node).verdictID))
            try await bench.attest(other)
        }
        var seen: [String] = []
        var cursor: String?
        repeat {
            let from = cursor
            let page = try await bench.store.read { try $0.verdicts(of: node.id, before: from, limit: 3) }
            #expect(page.allSatisfy { $0.atMilliseconds == page.first?.atMilliseconds })
            seen += page.map(\.verdictID)
            cursor = page.last?.verdictID
        } while cursor != nil
        #expect(seen == decided.reversed())
    }

    @Test("AD-03, QF-18: a new boot ends the admission until its own pass")
    func bootChanged() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        node.reboot()
        node.eventLog.append(0)
        _ = try await bench.attestation.submit(try await node.evidence(bench), node: node.peer)
        #expect(try await bench.decision(node) == "ADM_BOOT_CHANGED")
        node.eventLog.removeLast()
        #expect(try await bench.attest(node).verdict == .pass)
        #expect(try await bench.decision(node) == "admit")
    }

    @Test("QF-18: a reboot is told, and that nobody expected it")
    func rebootEvents() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        node.reboot()
        #expect(try await bench.attest(node).verdict == .pass)
        let ids = Set(try await bench.events().map(\.eventID))
        #expect(ids.isSuperset(of: ["BOOT_NEW", "BOOT_UNEXPECTED"]))
    }

    struct Continuity: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var change: @Sendable (inout SoftwareNode) -> Void
        var verdict: Verdict
        var reason: String?
    }

    static let continuity = [
        Continuity(
            testDescription: "QF-19: the TPM was reset while the agent went on",
            change: { $0.clock.resetCount += 1 }, verdict: .fail, reason: "QUOTE_RESET_UNEXPLAINED"),
        Continuity(
            testDescription: "QF-20: the TPM went on from a saved state", change: { $0.clock.restartCount += 1 },
            verdict: .fail, reason: "QUOTE_RESTART"),
        Continuity(
            testDescription: "QF-21: the reset count fell",
            change: {
                $0.clock.resetCount = 0
                $0.bootID = "x"
                $0.runID = "x"
            }, verdict: .fail, reason: "QUOTE_CLOCK_ROLLBACK"),
        Continuity(
            testDescription: "QF-21, QF-23: the clock fell within one reset", change: { $0.clock.clock -= 500 },
            verdict: .fail, reason: "QUOTE_CLOCK_ROLLBACK"),
        Continuity(
            testDescription: "QF-22: a clock that is not safe is not used for order",
            change: {
                $0.clock.safe = false
                $0.clock.clock -= 500
            }, verdict: .pass, reason: nil),
    ]

    @Test("Counters of one AK form one growing line", arguments: continuity)
    func counters(_ row: Continuity) async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        node.clock.clock = 10_000
        try await bench.attest(node)
        row.change(&node)
        let reply = try await bench.attest(node)
        #expect(reply.verdict == row.verdict)
        let verdict = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }
        if let reason = row.reason { #expect(verdict?.reasons.contains(reason) == true) }
        if row.reason == nil { #expect(try await bench.events().contains { $0.eventID == "QUOTE_CLOCK_UNSAFE" }) }
    }

    @Test("QF-23: after a step back the line still stands where it was")
    func cloned() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        node.clock.clock = 10_000
        try await bench.attest(node)
        var clone = node
        clone.clock.clock = 5_000
        #expect(try await bench.attest(clone).verdict == .fail)
        let name = node.akName
        let state = try await bench.store.read { try $0.attestationState(akName: name) }
        #expect(state?.counters?.clock == 10_000)
    }
}
