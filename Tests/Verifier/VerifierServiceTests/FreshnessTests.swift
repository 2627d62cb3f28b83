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

    @Test("QF-09: of 20 identical answers at once one gets the verdict, the others its id and no alarm")
    func resend() async throws {
        let (bench, node) = try await trusted()
        let submission = try await node.evidence(bench)
        let eventCount = try await bench.events().count
        let outcomes = await withTaskGroup { group in
            for _ in 0..<20 {
                group.addTask { () -> String in
                    do {
                        let reply = try await bench.attestation.submit(submission, node: node.peer)
                        return "verdict \(reply.verdictID ?? "")"
                    } catch let error as ServiceError {
                        return "\(error.kind) \(error.verdictID ?? "none")"
                    } catch { return "\(error)" }
                }
            }
            return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        let id = submission.challengeID
        #expect(outcomes == ["verdict \(id)": 1, "conflict \(id)": 19])
        #expect(try await bench.events().count == eventCount)
    }

    @Test("QF-09: other bytes for a used nonce are a replay, alarmed, and no second verdict")
    func replay() async throws {
        let (bench, node) = try await trusted()
        let challenge = try await node.challenge(bench)
        _ = try await bench.attestation.submit(try node.evidence(for: challenge), node: node.peer)
        // A new signature over the same bytes.
        let error = await nodeRefusal {
            _ = try await bench.attestation.submit(try node.evidence(for: challenge), node: node.peer)
        }
        #expect(error?.kind == .conflict && error?.code == "QUOTE_REPLAY" && error?.verdictID == nil)
        #expect(try await bench.events().contains { $0.eventID == "QUOTE_REPLAY" })
        #expect(try await bench.record(node)?.standing == .good)
        #expect(try await bench.store.read { try $0.verdicts(of: node.id, before: nil, limit: 10) }.count == 2)
    }

    @Test("QF-10: nonces of the generator and of challenges over three starts are distinct, and their bytes even")
    func nonces() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        var seen: Set<[UInt8]> = []
        var counts = [Int](repeating: 0, count: 256)
        func count(_ nonce: [UInt8]) {
            seen.insert(nonce)
            for byte in nonce { counts[Int(byte)] += 1 }
        }
        let path = bench.folder.appendingPathComponent("store.sqlite").path
        for _ in 0..<3 {
            let store = try SQLiteStore(path: path, auditKey: [UInt8](repeating: 7, count: 32))
            let attestation = AttestationService(store: store, policy: bench.policy)
            for _ in 0..<700 {
                let request = ChallengeRequest(bootID: node.bootID, agentRunID: node.runID)
                count(try await attestation.challenge(request, node: node.peer).nonce.bytes)
            }
            let random = SystemRandom()
            for _ in 0..<20_000 { count(random.bytes(AttestationChallenge.nonceSize)) }
        }
        let total = 3 * (700 + 20_000)
        #expect(seen.count == total && seen.allSatisfy { $0.count == 32 })
        let expected = Double(total) * 32 / 256
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
        let reply = try await bench.attestation.submit(
            try node.evidence(for: challenge, nonce: foreign.nonce.bytes), node: node.peer)
        #expect(reply.verdict == .fail)
        let verdict = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }
        #expect(verdict?.reasons.contains("QUOTE_NONCE") == true)
        #expect(try await bench.record(node)?.standing == .good)
    }

    @Test("QF-12: an answer after 60 seconds is gone; the age of evidence counts from the nonce's issue")
    func late() async throws {
        let (bench, node) = try await trusted()
        let challenge = try await node.challenge(bench)
        bench.advance(60_001)
        let error = await nodeRefusal {
            _ = try await bench.attestation.submit(try node.evidence(for: challenge), node: node.peer)
        }
        #expect(error?.kind == .gone && error?.code == "QUOTE_NONCE_EXPIRED")
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
        let reply = try await bench.attestation.submit(
            try node.evidence(for: challenge, banks: [.sha1]), node: node.peer)
        #expect(reply.verdict == .fail)
        let verdict = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }
        #expect(verdict?.reasons.contains("QUOTE_BANK_SET") == true)
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

    @Test("AD-13: the wall clock of the verifier's host decides nothing while it runs; a day's silence is stale")
    func clock() async throws {
        let (bench, node) = try await trusted()
        bench.advance(86_400_000)
        #expect(try await bench.decision(node) == "ADM_STALE")
        try await bench.attest(node)
        #expect(try await bench.decision(node) == "admit")
    }
}
