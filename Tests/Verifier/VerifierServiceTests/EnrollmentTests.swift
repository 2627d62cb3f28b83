import AttestationMessages
import AttestationTestKit
import ByteParsing
import Crypto
import Foundation
import JSONCoding
import SecurityEvents
import TPMCryptography
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
        try await bench.expectRefusal(.conflict, "ID_EK_MISMATCH", .critical) {
            try await bench.enroll(SoftwareNode("n1"))
        }
        let before = try await bench.mark()
        let codes = await withTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    await nodeRefusal { try await bench.enroll(SoftwareNode("n1")) }?.code
                }
            }
            return await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(codes == ["ID_EK_MISMATCH"])
        #expect(try await bench.records(since: before).filter { $0.detail["code"] == "ID_EK_MISMATCH" }.count == 50)
        #expect(try await bench.attest(first).verdict == .pass)
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
        try await bench.expectRefusal(.conflict, "ID_EK_REUSED", .high) { try await bench.enroll(sameEK) }
        var sameAK = try SoftwareNode("n3")
        sameAK.ak = first.ak
        try await bench.expectRefusal(.conflict, "ID_AK_REUSED", .high) { try await bench.enroll(sameAK) }
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
        try await bench.expectRefusal(.forbidden, "ID_ACTIVATION_FAILED", .high) {
            _ = try await bench.enrollment.activate(
                enrollmentID: challenge.enrollmentID, request, peer: node.enrollmentPeer)
        }
    }

    @Test("ID-17: after three wrong proofs the right one is refused too, and the secret is nowhere to be read")
    func tries() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        let body = try node.enrollmentBody()
        let response = try await bench.enrollment.enroll(body, peer: node.enrollmentPeer)
        let challenge = try StrictJSON.decode(EnrollmentChallenge.self, from: response)
        let right = try node.activation(of: challenge, body: body, response: response)
        let name = try #require(node.ak.publicArea.name)
        let credential = CredentialChallenge(
            credentialBlob: challenge.credentialBlob.bytes, encryptedSecret: challenge.encryptedSecret.bytes)
        let secret = try #require(try node.ek.activate(credential, for: name))
        var wrong = right
        wrong.proof = WireBytes([UInt8](repeating: 0, count: 32))
        var told = String(decoding: response, as: UTF8.self)
        for (index, request) in [wrong, wrong, wrong, right].enumerated() {
            let isOver = index == 3
            let error = try await bench.expectRefusal(
                isOver ? .gone : .forbidden, isOver ? "ID_CHALLENGE_EXPIRED" : "ID_ACTIVATION_FAILED",
                isOver ? nil : .high
            ) {
                _ = try await bench.enrollment.activate(
                    enrollmentID: challenge.enrollmentID, request, peer: node.enrollmentPeer)
            }
            told += "\(String(describing: error))"
        }
        let stored = try bench.storedBytes()
        for text in [Hex.encode(secret), Data(secret).base64EncodedString(), "\(secret)"] {
            #expect(!told.contains(text) && stored.firstRange(of: Array(text.utf8)) == nil)
        }
        #expect(stored.firstRange(of: secret) == nil)
    }

    @Test("ID-18: a challenge answers only to the key that asked, and for 60 seconds")
    func binding() async throws {
        let bench = try await VerifierTestBench()
        let (first, second) = (try SoftwareNode("n1"), try SoftwareNode("n2"))
        let (challenge, request) = try await first.activation(bench)
        try await bench.expectRefusal(.forbidden, "ID_CHALLENGE_BINDING", .high) {
            _ = try await bench.enrollment.activate(
                enrollmentID: challenge.enrollmentID, request, peer: second.enrollmentPeer)
        }
        bench.advance(60_001)
        try await bench.expectRefusal(.gone, "ID_CHALLENGE_EXPIRED", nil) {
            _ = try await bench.enrollment.activate(
                enrollmentID: challenge.enrollmentID, request, peer: first.enrollmentPeer)
        }
        // One that never was, or was forgotten, is told the same.
        try await bench.expectRefusal(.gone, "ID_CHALLENGE_EXPIRED", nil) {
            _ = try await bench.enrollment.activate(enrollmentID: "unknown", request, peer: first.enrollmentPeer)
        }
    }

    @Test("ID-19, SA-11: a one-time token enrolls once; its text is nowhere in the store")
    func token() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        let token = "one-time-token-of-n1"
        try await bench.addToManifest(node, token: token)
        try await bench.expectRefusal(.forbidden, "ID_TOKEN_USED", .medium) {
            try await bench.enroll(node, token: "wrong")
        }
        try await bench.expectRefusal(.forbidden, "ID_TOKEN_USED", .medium) { try await bench.enroll(node) }
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
        try await bench.expectRefusal(.forbidden, "ID_CHANNEL_BINDING", .high) {
            _ = try await bench.enrollment.enroll(node.enrollmentBody(), peer: proxy)
        }
    }

    @Test("ID-21, ID-22: an EK outside the inventory waits for an operator, and is not admitted")
    func pending() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        #expect(try await bench.enroll(node).lifecycle == .pending)
        #expect(try await bench.record(node)?.pendingReason == "ID_EK_NOT_IN_INVENTORY")
        #expect(
            try await bench.events().contains { $0.eventID == "ID_EK_NOT_IN_INVENTORY" && $0.severity == .medium })
        let waiting = try await bench.store.read { try $0.auditRecords(before: nil, limit: 10) }
        #expect(waiting.contains { $0.action == "node.pending" && $0.detail["reason"] == "ID_EK_NOT_IN_INVENTORY" })
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

    /// 40: separators, controls, paths, cases, look-alikes, lengths, what other languages would take for an end.
    static let hostileIDs: [String] =
        [
            "", "-", "-n", "N1", "n1 ", " n1", "n 1", "n1\n", "\nn1", "n1\r\n", "n1\u{0}", "\u{0}", "n1\t", "../n1",
            "n1/..",
            "/n1", "n1/", "n1\\", ".n1", "n.1", "n_1", "n1;", "n1'", "n1\"", "n1%0a", "%6e1", "n1#", "n1?", "*", "$n",
            "ｎ1", "п1",
            "n１", "n\u{301}1", "n\u{200B}1", "\u{FEFF}n1", "n1\u{2028}", "\u{202E}1n",
        ] + [String(repeating: "n", count: 64), String(repeating: "n", count: 10_000)]

    @Test("ID-23: each of 40 hostile node ids is refused with a code of its own, in one audit record")
    func hostileID() async throws {
        let bench = try await VerifierTestBench(references: false)
        let node = try SoftwareNode("n1")
        let body = String(decoding: try node.enrollmentBody(), as: UTF8.self)
        #expect(Self.hostileIDs.count == 40 && body.contains("\"n1\""))
        for id in Self.hostileIDs {
            let quoted = String(decoding: try JSONEncoder().encode(id), as: UTF8.self)
            let text = body.replacingOccurrences(of: "\"n1\"", with: quoted)
            try await bench.expectRefusal(.syntax, "API_BAD_ID", nil) {
                _ = try await bench.enrollment.enroll(Array(text.utf8), peer: node.enrollmentPeer)
            }
        }
        #expect(try await bench.store.read { try $0.nodes(site: nil, group: nil, after: nil, limit: 10) }.isEmpty)
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

    @Test("A node that nobody knows asks again within seconds, and comes down to once a minute within two")
    func pendingRetry() async throws {
        let bench = try await VerifierTestBench()
        let node = try SoftwareNode("n1")
        let request = RenewalRequest(
            nodeID: node.id, ekName: WireBytes(node.ekName), akName: WireBytes(node.akName))
        var pauses: [Int] = []
        var result = try await bench.enroll(node)
        while result.lifecycle == .pending, pauses.count < 8 {
            let pause = try #require(result.retryAfterSeconds)
            pauses.append(pause)
            bench.advance(Int64(pause) * 1000)
            result = try await bench.enrollment.renew(request, peer: node.enrollmentPeer)
        }
        #expect(pauses == [5, 5, 10, 20, 40, 60, 60, 60])
        try await bench.store.write { tx in
            guard var record = try tx.node(node.id) else { return }
            record.lifecycle = .enrolled
            try tx.save(record)
        }
        result = try await bench.enrollment.renew(request, peer: node.enrollmentPeer)
        #expect(result.lifecycle == .enrolled && result.retryAfterSeconds == nil)
        // A clock that stands still or went back asks for no pause outside of the bounds.
        let policy = VerifierPolicy()
        #expect(policy.pendingRetrySeconds(since: 1_000, now: 1_000) == 5)
        #expect(policy.pendingRetrySeconds(since: 9_000_000, now: 0) == 5)
    }

    @Test("ID-25: another AK under the same EK waits for approval; the old AK is out at once")
    func changedAK() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        let late = try await node.evidence(bench)
        var cleared = node
        cleared.ak = .p256()
        cleared.nodeKey = P256.Signing.PrivateKey()
        #expect(try await bench.enroll(cleared).lifecycle == .pending)
        #expect(try await bench.record(node)?.pendingReason == "ID_AK_CHANGED")
        #expect(try await bench.events().contains { $0.eventID == "ID_AK_CHANGED" && $0.severity == .medium })
        try await bench.expectRefusal(.forbidden, "ID_AK_CHANGED", .medium) { _ = try await node.challenge(bench) }
        try await bench.expectRefusal(.forbidden, "ID_AK_CHANGED", .medium) {
            _ = try await bench.attestation.submit(late, node: node.peer)
        }
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
        try await bench.expectRefusal(.forbidden, "ID_NODE_REVOKED", .medium) {
            _ = try await bench.attestation.submit(submission, node: node.peer)
        }
        try await bench.expectRefusal(.forbidden, "ID_NODE_REVOKED", .medium) { _ = try await node.challenge(bench) }
        try await bench.expectRefusal(.forbidden, "ID_NODE_REVOKED", .medium) { try await bench.enroll(node) }
        #expect(try await bench.decision(node) == "ID_NODE_REVOKED")
    }

    @Test("ID-28: a node key that was imported into the TPM is refused")
    func importedKey() async throws {
        let bench = try await VerifierTestBench()
        var node = try SoftwareNode("n1")
        node.nodeKeyAttributes = [.userWithAuth, .noDA, .sign]
        try await bench.expectRefusal(.invalid, "ID_NODE_KEY_ATTRS", .high) { try await bench.enroll(node) }
    }

    @Test("QF-17: an AK outside the endorsement hierarchy is refused")
    func ownerHierarchy() async throws {
        let bench = try await VerifierTestBench()
        var node = try SoftwareNode("n1")
        node.ak.parent = .ownerHierarchy
        try await bench.expectRefusal(.invalid, "ID_AK_HIERARCHY", .medium) { try await bench.enroll(node) }
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
