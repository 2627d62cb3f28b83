import AssetFingerprints
import AttestationMessages
import AttestationTestKit
import Crypto
import SecurityEvents
import TPMCryptography
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("What the quote binds beside the registers")
struct BindingTests {
    // MARK: Who speaks

    @Test("TA-05: signed claims that name n2 are n1's own failure, loud; n2 does not change")
    func claimsOfAnother() async throws {
        let bench = try await VerifierTestBench()
        let n1 = try await bench.enrolled("n1")
        let n2 = try await bench.enrolled("n2")
        try await bench.attest(n2)
        let (node, evidence) = (try await bench.record(n2), try await bench.decision(n2))
        let verdict = try await bench.store.read { try $0.verdicts(of: n2.id, before: nil, limit: 10).map(\.verdictID) }
        // n1's TPM signs n2's name: the challenge and the certificate are n1's.
        var liar = n1
        liar.id = n2.id
        let challenge = try await n1.challenge(bench)
        let reply = try await bench.finish(
            try await bench.attestation.submit(try liar.evidence(for: challenge), node: n1.peer), n1)
        #expect(reply.verdict == .fail)
        #expect(try await reasons(reply, bench) == ["API_IDENTITY"])
        let event = try await bench.events().first { $0.eventID == "API_IDENTITY" }
        #expect(event?.node == "n1" && event?.severity == .high)
        #expect(try await bench.record(n1)?.shownState == .untrusted)
        #expect(try await bench.record(n2) == node)
        #expect(try await bench.decision(n2) == evidence)
        #expect(
            try await bench.store.read { try $0.verdicts(of: n2.id, before: nil, limit: 10).map(\.verdictID) }
                == verdict)
    }

    @Test("TA-11: no stated size of a log ends the process or passes", arguments: [-1, 1 << 31, .max, .min])
    func statedSizes(_ size: Int) async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        var submission = try await node.evidence(bench)
        submission.logs[0].byteCount = size
        let changed = submission
        let refusal = await nodeRefusal {
            let reply = try await bench.finish(try await bench.attestation.submit(changed, node: node.peer), node)
            #expect(reply.verdict != .pass)
        }
        #expect(refusal?.kind != .unavailable, "\(String(describing: refusal))")
        #expect(try await bench.attest(node).verdict != nil)
    }

    // MARK: Fingerprints

    static let accounts = "fingerprint-accounts"

    /// Reports of users with names of one length have one length.
    static func report(_ user: String) -> [UInt8] {
        FingerprintReport([
            Account.user(name: user, uid: 1000, gid: 1000, home: "/home/\(user)", shell: "/bin/sh")
        ]).canonicalBytes
    }

    private func reasons(_ reply: EvidenceReply, _ bench: VerifierTestBench) async throws -> [String] {
        try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }?.reasons ?? []
    }

    @Test("AG-04: the report that the node quoted passes and is its last one")
    func honestReport() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        node.reports[Self.accounts] = Self.report("alice")
        let id = node.id
        #expect(try await bench.attest(node).verdict == .pass)
        #expect(try await bench.decision(node) == "admit")
        let current = try await bench.store.read { try $0.currentFingerprints(of: id) }
        #expect(current.map(\.sha256) == [Array(SHA256.hash(data: Self.report("alice")))])
    }

    @Test("AG-04: a report in which one byte changed on the way is FP_UNBOUND, and the node untrusted")
    func changedReport() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        node.reports[Self.accounts] = Self.report("alice")
        let submission = try await node.evidence(bench)
        let first = try await bench.attestation.submit(submission, node: node.peer)
        #expect(first.need.map(\.log) == [Self.accounts])
        var onTheWay = node
        onTheWay.reports[Self.accounts] = Self.report("alicf")
        let reply = try await bench.finish(first, onTheWay)
        #expect(reply.verdict == .fail)
        #expect(try await reasons(reply, bench) == ["FP_UNBOUND"])
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
        #expect(try await bench.record(node)?.shownState == .untrusted)
        #expect(try await bench.events().contains { $0.eventID == "FP_UNBOUND" && $0.node == "n1" })
        let id = node.id
        #expect(try await bench.store.read { try $0.currentFingerprints(of: id) }.isEmpty)
    }

    @Test("AG-04: the swapped reports of two nodes are FP_UNBOUND for both, whatever size the messages state")
    func swappedReports() async throws {
        let bench = try await VerifierTestBench()
        var nodes = [try await bench.enrolled("n1"), try await bench.enrolled("n2")]
        let reports = [Self.report("alice"), Self.report("bartholomew")]
        for (index, report) in reports.enumerated() { nodes[index].reports[Self.accounts] = report }
        for (index, node) in nodes.enumerated() {
            var swapped = node
            swapped.reports[Self.accounts] = reports[1 - index]
            var submission = try await node.evidence(bench)
            submission.logs = [("event-log", node.eventLog), (Self.accounts, reports[1 - index])].map(
                SoftwareNode.summary)
            let reply = try await bench.finish(
                try await bench.attestation.submit(submission, node: node.peer), swapped)
            #expect(reply.verdict == .fail)
            #expect(try await reasons(reply, bench).contains("FP_UNBOUND"))
            #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
        }
    }

    @Test("AG-04: claims that were exchanged for those of another report do not fit the quote")
    func swappedClaims() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        let challenge = try await node.challenge(bench)
        var submission = try node.evidence(for: challenge)
        node.reports[Self.accounts] = Self.report("alice")
        submission.claims = try node.evidence(for: challenge).claims
        let reply = try await bench.attestation.submit(submission, node: node.peer)
        #expect(reply.verdict == .fail)
        #expect(try await reasons(reply, bench).contains("QUOTE_NONCE"))
    }

    // MARK: Boot key

    private func certificates(_ node: SoftwareNode, _ bench: VerifierTestBench) async throws -> [WireBytes] {
        try await bench.admission.admission(
            of: node.id, audience: "test", asker: .consumer(VerifierTestBench.consumer)
        ).admissionCertificates
    }

    @Test("AG-15: the certified boot key of this boot gets the admission certificate, and no pass without it does")
    func bootKey() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        let key = P256.Signing.PrivateKey()
        node.bootKey = try node.certify(bootKey: key)
        #expect(try await bench.attest(node).verdict == .pass)
        let spki = WireBytes(Array(key.publicKey.derRepresentation))
        #expect(try await certificates(node, bench) == [spki])
        // The next boot shows the certification of the last one, whose key is gone.
        node.reboot()
        #expect(try await bench.attest(node).verdict == .pass)
        #expect(try await bench.decision(node) == "admit")
        #expect(try await certificates(node, bench).isEmpty)
        node.bootKey = nil
        #expect(try await bench.attest(node).verdict == .pass)
        #expect(try await certificates(node, bench).isEmpty)
        node.bootKey = try node.certify(bootKey: key)
        #expect(try await bench.attest(node).verdict == .pass)
        #expect(try await certificates(node, bench) == [spki])
    }

    struct Forgery: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var reason: String?
        var claim: @Sendable (SoftwareNode, P256.Signing.PrivateKey) throws -> BootKeyClaim
    }

    static let forgeries = [
        Forgery(testDescription: "certified by the AK of another TPM", reason: "ID_NODE_KEY_ATTRS") {
            try $0.certify(bootKey: $1, by: .p256())
        },
        Forgery(testDescription: "certified for another node's key", reason: "ID_CHANNEL_BINDING") {
            try $0.certify(
                bootKey: $1, extraData: ProtocolBinding.bootKey(nodeKeySPKI: SoftwareNode("n2").spki))
        },
        Forgery(testDescription: "certified without extra data", reason: "ID_CHANNEL_BINDING") {
            try $0.certify(bootKey: $1, extraData: [])
        },
        Forgery(testDescription: "imported into the TPM", reason: "ID_NODE_KEY_ATTRS") {
            try $0.certify(bootKey: $1, attributes: [.userWithAuth, .noDA, .sign])
        },
        Forgery(testDescription: "under the owner's hierarchy, which outlives the boot", reason: "ID_NODE_KEY_ATTRS") {
            try $0.certify(bootKey: $1, under: .ownerHierarchy)
        },
        Forgery(testDescription: "another key than the certified one", reason: "ID_NODE_KEY_ATTRS") {
            var claim = try $0.certify(bootKey: $1)
            claim.publicArea = try $0.certify(bootKey: P256.Signing.PrivateKey()).publicArea
            return claim
        },
        Forgery(testDescription: "bytes that are no certification", reason: "ID_NODE_KEY_ATTRS") {
            var claim = try $0.certify(bootKey: $1)
            claim.certifyInfo = WireBytes([1, 2, 3])
            return claim
        },
        Forgery(testDescription: "certified in an earlier boot", reason: nil) {
            try $0.certify(bootKey: $1, resetCount: 0)
        },
        Forgery(testDescription: "certified in a boot to come", reason: nil) {
            try $0.certify(bootKey: $1, resetCount: 2)
        },
    ]

    @Test("AG-15: no other boot key reaches an admission certificate", arguments: forgeries)
    func forgedBootKey(_ forgery: Forgery) async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        let honest = P256.Signing.PrivateKey()
        node.bootKey = try node.certify(bootKey: honest)
        try await bench.attest(node)
        #expect(try await certificates(node, bench).count == 1)
        node.bootKey = try forgery.claim(node, P256.Signing.PrivateKey())
        let reply = try await bench.attest(node)
        #expect(try await certificates(node, bench).isEmpty)
        if let reason = forgery.reason {
            #expect(reply.verdict == .fail)
            #expect(try await reasons(reply, bench).contains(reason))
            #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
        } else {
            #expect(reply.verdict == .pass)
        }
    }
}
