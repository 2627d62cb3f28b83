import AttestationMessages
import AttestationTestKit
import Foundation
import SecurityEvents
import TPMCryptography
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("Freshness of evidence")
struct FreshnessTests {
    private func trusted() async throws -> (VerifierTestBench, SoftwareNode) {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        return (bench, node)
    }

    @Test("QF-09: of 20 identical answers at once, in 100 rounds, one gets the verdict, the others its id and no alarm")
    func resend() async throws {
        let (bench, node) = try await trusted()
        for _ in 0..<100 {
            let submission = try await node.evidence(bench)
            let before = try await bench.mark()
            let outcomes = await withTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask { () -> String in
                        do {
                            let reply = try await bench.attestation.submit(submission, node: node.peer)
                            return "verdict \(reply.verdictID ?? "")"
                        } catch let error as ServiceError {
                            return "\(error.kind) \(error.code) \(error.verdictID ?? "none")"
                        } catch { return "\(error)" }
                    }
                }
                return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
            }
            let id = submission.challengeID
            #expect(outcomes == ["verdict \(id)": 1, "conflict QUOTE_REPLAY \(id)": 19])
            let after = try await bench.mark()
            #expect(after.alarms == before.alarms && after.event == before.event)
            let refused = try await bench.records(since: before).filter { $0.detail["code"] == "QUOTE_REPLAY" }
            #expect(refused.count == 19, "each refusal has its audit record")
        }
        #expect(try await bench.store.read { try $0.verdicts(of: node.id, before: nil, limit: 500) }.count == 101)
    }

    @Test("QF-09: other bytes for a used nonce are a replay, alarmed, and no second verdict")
    func replay() async throws {
        let (bench, node) = try await trusted()
        let challenge = try await node.challenge(bench)
        _ = try await bench.attestation.submit(try node.evidence(for: challenge), node: node.peer)
        // A new signature over the same bytes.
        let error = try await bench.expectRefusal(.conflict, "QUOTE_REPLAY", .medium) {
            _ = try await bench.attestation.submit(try node.evidence(for: challenge), node: node.peer)
        }
        #expect(error?.verdictID == nil)
        #expect(try await bench.record(node)?.standing == .good)
        #expect(try await bench.store.read { try $0.verdicts(of: node.id, before: nil, limit: 10) }.count == 2)
    }

    @Test("QF-10: 100,000 challenges of two verifiers over three starts are distinct, and their bytes even")
    func nonces() async throws {
        let bench = try await VerifierTestBench(references: false)
        var nodes: [SoftwareNode] = []
        for number in 0..<64 { nodes.append(try await bench.enrolled("n\(number)")) }
        let path = bench.folder.appendingPathComponent("store.sqlite").path
        var nonces: [[UInt8]] = []
        for start in 0..<3 {
            // Two verifiers on one file, both at work: SQLite makes one wait for the other.
            let verifiers = try (0..<2).map { _ in
                AttestationService(
                    store: try SQLiteStore(path: path, auditKey: [UInt8](repeating: 7, count: 32)),
                    policy: bench.policy)
            }
            nonces += try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
                for (number, node) in nodes.enumerated() {
                    let count = 100_000 * (start * 64 + number + 1) / 192 - 100_000 * (start * 64 + number) / 192
                    group.addTask {
                        let request = ChallengeRequest(bootID: node.bootID, agentRunID: node.runID)
                        var nonces: [[UInt8]] = []
                        for _ in 0..<count {
                            nonces.append(
                                try await verifiers[number % 2].challenge(request, node: node.peer).nonce.bytes)
                        }
                        return nonces
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
        }
        #expect(nonces.count == 100_000 && Set(nonces).count == 100_000 && nonces.allSatisfy { $0.count == 32 })
        var counts = [Int](repeating: 0, count: 256)
        for nonce in nonces { for byte in nonce { counts[Int(byte)] += 1 } }
        let expected = Double(nonces.count) * 32 / 256
        let chiSquare = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // 255 degrees of freedom: outside these bounds once in some millions of runs.
        #expect((150...400).contains(chiSquare))
    }

    @Test("QF-11, QF-08: an answer to another nonce fails, and does not stick")
    func otherNonce() async throws {
        let (bench, node) = try await trusted()
        let other = try await bench.enrolled("n2")
        let challenge = try await node.challenge(bench)
        let foreign = try await other.challenge(bench)
        try await bench.expectVerdict(.fail, "QUOTE_NONCE", .medium) {
            try await bench.attestation.submit(
                try node.evidence(for: challenge, nonce: foreign.nonce.bytes), node: node.peer)
        }
        #expect(try await bench.record(node)?.standing == .good)
    }

    @Test("QF-12: an answer after 60 seconds is gone; the age of evidence counts from the nonce's issue")
    func late() async throws {
        let (bench, node) = try await trusted()
        let challenge = try await node.challenge(bench)
        bench.advance(60_001)
        try await bench.expectRefusal(.gone, "QUOTE_NONCE_EXPIRED", .low) {
            _ = try await bench.attestation.submit(try node.evidence(for: challenge), node: node.peer)
        }
        #expect(try await bench.record(node)?.standing == .good)
        let fresh = try await node.challenge(bench)
        let issued = bench.store.clock.now()
        bench.advance(50_000)
        _ = try await bench.attestation.submit(try node.evidence(for: fresh), node: node.peer)
        let state = try await bench.store.read { try $0.attestationState(akName: node.akName) }
        #expect(state?.lastPassIssuedAtMilliseconds == issued)
    }

    @Test("A new challenge voids the older one")
    func voided() async throws {
        let (bench, node) = try await trusted()
        let older = try await node.challenge(bench)
        _ = try await node.challenge(bench)
        let error = await nodeRefusal {
            _ = try await bench.attestation.submit(try node.evidence(for: older), node: node.peer)
        }
        #expect(error?.kind == .gone)
    }

    @Test("QF-13: a flipped bit in quote or signature fails or is refused; a bad signature sticks")
    func flipped() async throws {
        let (bench, node) = try await trusted()
        let good = try node.evidence(for: try await node.challenge(bench))
        for position in stride(from: 0, to: good.quote.bytes.count, by: 7) {
            var bytes = good.quote.bytes
            bytes[position] ^= 1
            #expect(try await judged(good, quote: bytes, signature: good.signature.bytes, bench, node))
        }
        for position in good.signature.bytes.indices {
            var bytes = good.signature.bytes
            bytes[position] ^= 1
            #expect(try await judged(good, quote: good.quote.bytes, signature: bytes, bench, node))
        }
        #expect(try await bench.record(node)?.standing == .failed)
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
    }

    /// True for a fail or a 422.
    private func judged(
        _ good: EvidenceSubmission, quote: [UInt8], signature: [UInt8], _ bench: VerifierTestBench, _ node: SoftwareNode
    ) async throws -> Bool {
        var submission = good
        submission.challengeID = try await node.challenge(bench).challengeID
        submission.quote = WireBytes(quote)
        submission.signature = WireBytes(signature)
        do {
            return try await bench.attestation.submit(submission, node: node.peer).verdict == .fail
        } catch let error as ServiceError { return error.kind == .invalid }
    }

    @Test("QF-05: a bank that is no longer allocated fails")
    func bankSet() async throws {
        let (bench, node) = try await trusted()
        let challenge = try await node.challenge(bench)
        try await bench.expectVerdict(.fail, "QUOTE_BANK_SET", .high) {
            try await bench.attestation.submit(try node.evidence(for: challenge, banks: [.sha1]), node: node.peer)
        }
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
    }

    @Test("QF-06: a bank that the firmware never extended does not replay")
    func unusedBank() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        for index in PCRIndex.all { node.values.set(.ones(.sha512), bank: .sha512, index: index) }
        let reply = try await bench.attest(node)
        #expect(reply.verdict == .fail)
        let reasons = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }?.reasons ?? []
        #expect(!Set(reasons).isDisjoint(with: ["LOG_REPLAY", "LOG_BANK_UNUSED", "QUOTE_BANK_SET"]), "\(reasons)")
    }

    @Test("RV-01: without an active reference set nothing passes and nothing is admitted")
    func noReferences() async throws {
        let bench = try await VerifierTestBench(references: false)
        let node = try await bench.enrolled()
        #expect(try await bench.attest(node).verdict == .error)
        #expect(try await bench.decision(node) == "ADM_PENDING")
    }

    @Test(
        "RV-01: a group without a set of its own is judged by the one of default, never by nobody; without that it is an error"
    )
    func otherGroup() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        let id = node.id
        try await bench.store.write { tx in
            guard var record = try tx.node(id) else { return }
            record.group = "new-kind"
            try tx.save(record)
        }
        let pass = try await bench.attest(node)
        #expect(pass.verdict == .pass)
        #expect(try await bench.store.read { try $0.verdict(pass.verdictID ?? "") }?.referenceSet == "golden@1")
        try await bench.store.write { tx in
            guard var set = try tx.activeReference(group: "default") else { return }
            set.status = .retired
            try tx.save(set)
        }
        node.clock.clock += 10
        let reply = try await bench.attest(node)
        #expect(reply.verdict == .error)
        let verdict = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }
        #expect(verdict?.reasons.contains("POL_MISSING") == true && verdict?.referenceSet == nil)
        // Nothing sticks: the next pass is one.
        #expect(try await bench.record(node)?.standing == .good)
    }

    @Test("AD-13: the wall clock of the verifier's host decides nothing while it runs; a day's silence is stale")
    func clock() async throws {
        let (bench, node) = try await trusted()
        bench.advance(86_400_000)
        #expect(try await bench.decision(node) == "ADM_STALE")
        try await bench.attest(node)
        #expect(try await bench.decision(node) == "admit")
    }
}
