import AttestationMessages
import AttestationTestKit
import ByteParsing
import Crypto
import SecurityEvents
import TPMCryptography
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("Things that happen at once")
struct RaceTests {
    static let ada = OperatorPeer(name: "ada", roles: Set(Role.allCases), keySHA256: "aa", source: "test")
    static let bob = OperatorPeer(name: "bob", roles: Set(Role.allCases), keySHA256: "bb", source: "test")

    private func operators(_ bench: VerifierTestBench) -> NodeService {
        NodeService(store: bench.store, random: SystemRandom(), policy: bench.policy)
    }

    @Test("ID-19: of 20 activations with one token at once, in 100 rounds, exactly one enrolls each time")
    func token() async throws {
        let bench = try await VerifierTestBench(references: false)
        for round in 0..<100 {
            let owner = try SoftwareNode("n\(round)")
            let token = "token-of-round-\(round)"
            try await bench.addToManifest(owner, token: token)
            var attempts: [(node: SoftwareNode, id: String, request: ActivationRequest)] = []
            for _ in 0..<20 {
                var node = owner
                node.ak = .p256()
                node.nodeKey = P256.Signing.PrivateKey()
                let (challenge, request) = try await node.activation(bench, token: token)
                attempts.append((node, challenge.enrollmentID, request))
            }
            let before = try await bench.mark()
            let codes = await withTaskGroup { group in
                for attempt in attempts {
                    group.addTask {
                        await nodeRefusal {
                            _ = try await bench.enrollment.activate(
                                enrollmentID: attempt.id, attempt.request, peer: attempt.node.enrollmentPeer)
                        }.map { "\($0.kind) \($0.code)" } ?? "enrolled"
                    }
                }
                return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == ["enrolled": 1, "forbidden ID_TOKEN_USED": 19])
            let refused = try await bench.records(since: before).filter { $0.detail["code"] == "ID_TOKEN_USED" }
            #expect(refused.count == 19, "each refusal has its audit record")
            #expect(try await bench.record(owner)?.lifecycle == .enrolled)
            #expect(try await bench.store.read { try $0.identities(of: owner.id) }.map(\.status) == [.active])
        }
    }

    @Test("ID-26: after two operators replaced the TPM the new one passes; the old one's quotes and EK are refused")
    func replaceTPM() async throws {
        let bench = try await VerifierTestBench()
        let old = try await bench.enrolled()
        try await bench.attest(old)
        let new = try SoftwareNode("n1")
        #expect(await nodeRefusal { try await bench.enroll(new) }?.code == "ID_EK_MISMATCH")
        let inFlight = try await old.evidence(bench)
        let request = NodeActRequest(
            reason: "board replaced", replacement: ManifestEntry(nodeID: new.id, ekName: Hex.encode(new.ekName)))
        _ = try await operators(bench).act(.replaceTPM, on: new.id, request, peer: Self.ada)
        #expect(try await bench.decision(old) == "admit")
        #expect(
            await nodeRefusal { _ = try await operators(bench).act(.replaceTPM, on: new.id, request, peer: Self.ada) }?
                .code == "REF_NEEDS_APPROVAL")
        _ = try await operators(bench).act(.replaceTPM, on: new.id, request, peer: Self.bob)
        #expect(try await bench.decision(old) == "ADM_PENDING")
        for refusal in [
            await nodeRefusal { _ = try await bench.attestation.submit(inFlight, node: old.peer) },
            await nodeRefusal { _ = try await old.challenge(bench) },
        ] { #expect(refusal?.kind == .forbidden && refusal?.code == "ID_AK_CHANGED") }
        #expect(await nodeRefusal { try await bench.enroll(old) }?.code == "ID_EK_MISMATCH")
        #expect(try await bench.enroll(new).lifecycle == .enrolled)
        #expect(try await bench.attest(new).verdict == .pass)
        #expect(try await bench.decision(new) == "admit")
        #expect(await nodeRefusal { _ = try await old.challenge(bench) }?.kind == .forbidden)
        let identities = try await bench.store.read { try $0.identities(of: new.id) }
        #expect(Set(identities.filter { $0.status == .retired }.map(\.ekName)) == [old.ekName])
        #expect(identities.filter { $0.status == .active }.map(\.ekName) == [new.ekName])
    }

    @Test(
        "ID-27: a node that goes while 200 posts are in flight is never trusted again",
        arguments: [NodeAct.revoke, .remove])
    func goingUnderLoad(_ act: NodeAct) async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        let reason = act == .revoke ? "ID_NODE_REVOKED" : "ADM_UNKNOWN"
        let before = try await bench.mark()
        let late = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    // Most are void before they are sent: what matters is that they are on their way.
                    do {
                        _ = try await bench.attest(node)
                        return false
                    } catch let error as ServiceError { return error.code == reason }
                }
                guard number == 100 else { continue }
                group.addTask {
                    _ = try await operators(bench).act(
                        act, on: node.id, NodeActRequest(reason: "stolen"), peer: Self.ada)
                    for _ in 0..<20 { #expect(try await bench.decision(node) == reason) }
                    return false
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(try await bench.decision(node) == reason)
        #expect(try await bench.record(node)?.lifecycle == (act == .revoke ? .revoked : nil))
        let refused = try await bench.records(since: before).filter { $0.detail["code"] == reason }
        #expect(refused.count == late, "each refusal has its audit record")
        try await bench.expectRefusal(.forbidden, reason, .medium) { _ = try await bench.attest(node) }
    }

    /// Each node is made good again by hand after its fail, which costs less than an operator's clear and a pass.
    @Test("AD-04: of 10,000 pairs of a decision and a fail no admit is read together with the fail, or after it")
    func decisionAndFail() async throws {
        let bench = try await VerifierTestBench()
        let admitted = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<50 {
                let node = try await bench.enrolled("n\(number)")
                try await bench.attest(node)
                group.addTask { try await Self.pairs(200, node, bench) }
            }
            return try await group.reduce(0, +)
        }
        // Both orders occurred: else nothing was interleaved.
        #expect((1..<10_000).contains(admitted), "\(admitted)")
        #expect(try await bench.store.verifyAudit().firstBadNumber == nil)
    }

    /// A fail takes milliseconds, for its commit: decisions are spread over that time, so that both orders occur.
    private static func decision(
        on node: SoftwareNode, after delay: Duration, _ bench: VerifierTestBench
    ) async throws -> AdmissionReply {
        try await Task.sleep(for: delay)
        return try await bench.admission.admission(
            of: node.id, audience: "test", asker: .consumer(VerifierTestBench.consumer))
    }

    /// - Returns: how many decisions came before their fail.
    private static func pairs(_ count: Int, _ node: SoftwareNode, _ bench: VerifierTestBench) async throws -> Int {
        let template = try node.evidence(for: try await node.challenge(bench))
        var admitted = 0
        for number in 0..<count {
            var failing = template
            failing.challengeID = try await node.challenge(bench).challengeID
            failing.signature = WireBytes(template.signature.bytes.dropLast() + [template.signature.bytes.last! ^ 1])
            let submission = failing
            async let decided = Self.decision(on: node, after: .microseconds(number % 16 * 400), bench)
            async let failed = bench.attestation.submit(submission, node: node.peer)
            let reply = try await failed
            #expect(reply.verdict == .fail)
            #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
            let decision = try await decided
            // The answer names the last verdict of the snapshot that it was read in.
            #expect((decision.decision == .admit) == (decision.verdictID != reply.verdictID))
            if decision.decision == .admit { admitted += 1 }
            try await bench.store.write { tx in
                guard var record = try tx.node(node.id), let verdict = record.failedVerdictID else { return }
                record.standing = .good
                record.failedVerdictID = nil
                try tx.save(record)
                try tx.forgetEvidence(ofVerdict: verdict)
            }
        }
        return admitted
    }
}
