import AttestationMessages
import AttestationTestKit
import Crypto
import Foundation
import JSONCoding
import SecurityEvents
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("Enrollment")
struct EnrollmentTests {
    @Test("A manifest entry enrolls without a click; the identity is stored as it was proved")
    func manifest() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        try await bench.addToManifest(node)
        let result = try await bench.enroll(node)
        #expect(result.lifecycle == .enrolled)
        #expect(result.identityCertificates == [WireBytes(node.spki)])
        let identity = try await bench.store.read { try $0.identities(of: node.id) }.first
        #expect(identity?.ekName == node.ekName && identity?.akName == node.akName)
        #expect(identity?.ekTrust == .manifestVouched)
        #expect(try await bench.record(node)?.site == "berlin")
    }

    @Test("ID-01, ID-26: a node id keeps its first EK, also against 50 at once")
    func takeover() async throws {
        let bench = try await VerifierTestBench()
        let first = try await bench.enrolled()
        try await bench.attest(first)
        let codes = await withTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    await nodeRefusal { try await bench.enroll(SoftwareNode("n1")) }?.code
                }
            }
            return await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(codes == ["ID_EK_MISMATCH"])
        #expect(try await bench.attest(first).verdict == .pass)
        #expect(try await bench.events().contains { $0.eventID == "ID_EK_MISMATCH" && $0.severity == .critical })
    }

    @Test("ID-01: of 50 different TPMs that ask for a new id at once, one gets it")
    func race() async throws {
        let bench = try await VerifierTestBench()
        let codes = await withTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    await nodeRefusal { try await bench.enroll(SoftwareNode("n1")) }?.code ?? "ok"
                }
            }
            return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(codes == ["ok": 1, "ID_EK_MISMATCH": 49])
    }

    @Test("ID-02: one EK, or one AK, stands under one node id")
    func reuse() async throws {
        let bench = try await VerifierTestBench()
        let first = try await bench.enrolled()
        var sameEK = try SoftwareNode("n2")
        sameEK.ek = first.ek
        #expect(await nodeRefusal { try await bench.enroll(sameEK) }?.code == "ID_EK_REUSED")
        var sameAK = try SoftwareNode("n3")
        sameAK.ak = first.ak
        #expect(await nodeRefusal { try await bench.enroll(sameAK) }?.code == "ID_AK_REUSED")
    }

    @Test("ID-03: a credential for the AK of another TPM cannot be opened")
    func otherTPM() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        let body = try node.enrollmentBody()
        let response = try await bench.enrollment.enroll(body, peer: node.enrollmentPeer)
        let challenge = try StrictJSON.decode(EnrollmentChallenge.self, from: response)
        var foreign = node
        foreign.ek = .p256()
        let answer = try? foreign.activation(of: challenge, body: body, response: response)
        let request =
            answer
            ?? ActivationRequest(
                proof: WireBytes([0]), nodeKeyCertifyInfo: WireBytes([]), nodeKeyCertifySignature: WireBytes([]))
        let error = await nodeRefusal {
            _ = try await bench.enrollment.activate(
                enrollmentID: challenge.enrollmentID, request, peer: node.enrollmentPeer)
        }
        #expect(error?.kind == .forbidden && error?.code == "ID_ACTIVATION_FAILED")
    }

    @Test("ID-17: after three wrong proofs the right one is refused too, and no answer holds the secret")
    func tries() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        let (challenge, right) = try await node.activation(bench)
        var wrong = right
        wrong.proof = WireBytes([UInt8](repeating: 0, count: 32))
        var kinds: [ServiceError.Kind?] = []
        for request in [wrong, wrong, wrong, right] {
            kinds.append(
                await nodeRefusal {
                    _ = try await bench.enrollment.activate(
                        enrollmentID: challenge.enrollmentID, request, peer: node.enrollmentPeer)
                }?.kind)
        }
        #expect(kinds == [.forbidden, .forbidden, .forbidden, .gone])
    }

    @Test("ID-18: a challenge answers only to the key that asked, and for 60 seconds")
    func binding() async throws {
        let bench = try await VerifierTestBench()
        let (first, second) = (try SoftwareNode("n1"), try SoftwareNode("n2"))
        let (challenge, request) = try await first.activation(bench)
        #expect(
            await nodeRefusal {
                _ = try await bench.enrollment.activate(
                    enrollmentID: challenge.enrollmentID, request, peer: second.enrollmentPeer)
            }?.code == "ID_CHALLENGE_BINDING")
        bench.advance(60_001)
        #expect(
            await nodeRefusal {
                _ = try await bench.enrollment.activate(
                    enrollmentID: challenge.enrollmentID, request, peer: first.enrollmentPeer)
            }?.code == "ID_CHALLENGE_EXPIRED")
    }

    @Test("ID-19, SA-11: a one-time token enrolls once; its text is nowhere in the store")
    func token() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        let token = "one-time-token-of-n1"
        try await bench.addToManifest(node, token: token)
        #expect(await nodeRefusal { try await bench.enroll(node, token: "wrong") }?.code == "ID_TOKEN_USED")
        #expect(await nodeRefusal { try await bench.enroll(node) }?.code == "ID_TOKEN_USED")
        #expect(try await bench.enroll(node, token: token).lifecycle == .enrolled)
        try await bench.store.write { try $0.deleteNode(node.id) }
        let codes = await withTaskGroup { group in
            for _ in 0..<20 {
                group.addTask { await nodeRefusal { try await bench.enroll(node, token: token) }?.code }
            }
            return await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(codes == ["ID_TOKEN_USED"])
        #expect(try bench.storedBytes().firstRange(of: Array(token.utf8)) == nil)
    }

    @Test("ID-20: the TLS key must be the request's node key")
    func channel() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        let proxy = EnrollmentPeer(spki: try SoftwareNode("n2").spki, source: "proxy")
        let error = await nodeRefusal { _ = try await bench.enrollment.enroll(node.enrollmentBody(), peer: proxy) }
        #expect(error?.kind == .forbidden && error?.code == "ID_CHANNEL_BINDING")
    }

    @Test("ID-21, ID-22: an EK outside the inventory waits for an operator, and is not admitted")
    func pending() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        #expect(try await bench.enroll(node).lifecycle == .pending)
        #expect(try await bench.record(node)?.pendingReason == "ID_EK_NOT_IN_INVENTORY")
        #expect(try await bench.decision(node) == "ADM_PENDING")
        #expect(await nodeRefusal { _ = try await node.challenge(bench) }?.code == "ADM_PENDING")
        bench.advance(24 * 3_600_000 + 1)
        try await bench.store.write { try $0.purge(Retention()) }
        #expect(try await bench.record(node) == nil)
    }

    @Test("ID-21: pending nodes are capped for each source")
    func pendingCap() async throws {
        var policy = VerifierPolicy()
        policy.pendingNodesPerSource = 2
        let bench = try await VerifierTestBench(references: false, policy: policy)
        try await bench.enroll(SoftwareNode("n1"))
        try await bench.enroll(SoftwareNode("n2"))
        #expect(await nodeRefusal { try await bench.enroll(SoftwareNode("n3")) }?.kind == .tooMany)
    }

    @Test("ID-23: a hostile node id is refused with a code of its own", arguments: ["../n1", "N1", "n1\n", "-n", ""])
    func hostileID(_ id: String) async throws {
        let bench = try await VerifierTestBench(references: false)
        let body = try SoftwareNode("n1").enrollmentBody()
        let escaped = id.replacingOccurrences(of: "\n", with: "\\n")
        let text = String(decoding: body, as: UTF8.self).replacingOccurrences(of: "\"n1\"", with: "\"\(escaped)\"")
        let error = await nodeRefusal {
            _ = try await bench.enrollment.enroll(Array(text.utf8), peer: SoftwareNode("n1").enrollmentPeer)
        }
        #expect(error?.kind == .syntax && error?.code == "API_BAD_ID", "\(String(describing: error))")
    }

    @Test("ID-24: an agent that was killed after any step enrolls again to the same identity")
    func repeated() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        try await bench.addToManifest(node)
        _ = try await node.activation(bench)
        #expect(try await bench.record(node) == nil)
        try await bench.enroll(node)
        #expect(try await bench.enroll(node).lifecycle == .enrolled)
        #expect(try await bench.store.read { try $0.identities(of: node.id) }.count == 1)
    }

    @Test("ID-25: another AK under the same EK waits for approval; the old AK is out at once")
    func changedAK() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        var cleared = node
        cleared.ak = .p256()
        cleared.nodeKey = P256.Signing.PrivateKey()
        #expect(try await bench.enroll(cleared).lifecycle == .pending)
        #expect(try await bench.record(node)?.pendingReason == "ID_AK_CHANGED")
        #expect(await nodeRefusal { _ = try await node.challenge(bench) }?.code == "ID_AK_CHANGED")
        #expect(try await bench.decision(node) == "ADM_PENDING")
        let statuses = try await bench.store.read { try $0.identities(of: node.id) }.map(\.status)
        #expect(statuses == [.active, .retired])
    }

    @Test("ID-27: a revoked node neither attests, nor enrolls, nor is admitted again")
    func revoked() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let submission = try await node.evidence(bench)
        try await bench.store.write { tx in
            guard var record = try tx.node(node.id) else { return }
            record.lifecycle = .revoked
            try tx.save(record)
        }
        for code in [
            await nodeRefusal { _ = try await bench.attestation.submit(submission, node: node.peer) }?.code,
            await nodeRefusal { _ = try await node.challenge(bench) }?.code,
            await nodeRefusal { try await bench.enroll(node) }?.code, try await bench.decision(node),
        ] { #expect(code == "ID_NODE_REVOKED") }
    }

    @Test("ID-28: a node key that was imported into the TPM is refused")
    func importedKey() async throws {
        let bench = try await VerifierTestBench()
        var node = try SoftwareNode("n1")
        node.nodeKeyAttributes = [.userWithAuth, .noDA, .sign]
        let error = await nodeRefusal { try await bench.enroll(node) }
        #expect(error?.kind == .invalid && error?.code == "ID_NODE_KEY_ATTRS")
    }

    @Test("QF-17: an AK outside the endorsement hierarchy is refused")
    func ownerHierarchy() async throws {
        let bench = try await VerifierTestBench()
        var node = try SoftwareNode("n1")
        node.ak.parent = .ownerHierarchy
        #expect(await nodeRefusal { try await bench.enroll(node) }?.code == "ID_AK_HIERARCHY")
    }

    @Test("A node renews with its enrolled keys only")
    func renewal() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let request = RenewalRequest(
            nodeID: node.id, ekName: WireBytes(node.ekName), akName: WireBytes(node.akName))
        #expect(try await bench.enrollment.renew(request, peer: node.enrollmentPeer).lifecycle == .enrolled)
        let other = EnrollmentPeer(spki: try SoftwareNode("n2").spki, source: "x")
        #expect(await nodeRefusal { _ = try await bench.enrollment.renew(request, peer: other) }?.kind == .forbidden)
    }
}
