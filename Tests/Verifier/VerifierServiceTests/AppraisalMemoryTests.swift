import AttestationMessages
import Crypto
import TPMStructures
import Testing
import VerifierService
import VerifierStore

/// What was proved once is found again only under everything that decides it.
@Suite("What is remembered of earlier evidence")
struct AppraisalMemoryTests {
    private func reasons(_ reply: EvidenceReply, _ bench: VerifierTestBench) async throws -> [String] {
        try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }?.reasons ?? []
    }

    // MARK: Boot keys

    struct Change: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var make: @Sendable (inout BootKeyClaim) -> Void
    }

    static func flipped(_ bytes: WireBytes) -> WireBytes {
        WireBytes(bytes.bytes.dropLast() + bytes.bytes.suffix(1).map { $0 ^ 1 })
    }

    @Test(
        "AG-15: a certification that was accepted is accepted again, but not with one bit changed",
        arguments: [
            Change(testDescription: "public area") { $0.publicArea = flipped($0.publicArea) },
            Change(testDescription: "certified structure") { $0.certifyInfo = flipped($0.certifyInfo) },
            Change(testDescription: "signature") { $0.certifySignature = flipped($0.certifySignature) },
        ])
    func changedCertification(_ change: Change) async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        var claim = try node.certify(bootKey: P256.Signing.PrivateKey())
        node.bootKey = claim
        for _ in 0..<2 { #expect(try await bench.attest(node).verdict == .pass) }
        change.make(&claim)
        node.bootKey = claim
        let reply = try await bench.attest(node)
        #expect(reply.verdict == .fail)
        #expect(try await reasons(reply, bench) == ["ID_NODE_KEY_ATTRS"])
    }

    @Test("AG-15: a certification that was accepted for one node is none for another")
    func otherNode() async throws {
        let bench = try await VerifierTestBench()
        var (first, second) = (try await bench.enrolled("n1"), try await bench.enrolled("n2"))
        first.bootKey = try first.certify(bootKey: P256.Signing.PrivateKey())
        #expect(try await bench.attest(first).verdict == .pass)
        second.bootKey = first.bootKey
        let reply = try await bench.attest(second)
        #expect(reply.verdict == .fail)
        #expect(try await reasons(reply, bench).contains("ID_NODE_KEY_ATTRS"))
    }

    @Test("AG-15: a certification that was accepted in one boot is left unused in the next")
    func otherBoot() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        node.bootKey = try node.certify(bootKey: P256.Signing.PrivateKey())
        let akName = node.akName
        try await bench.attest(node)
        #expect(try await bench.store.read { try $0.attestationState(akName: akName) }?.bootKeySPKI != nil)
        node.reboot()
        #expect(try await bench.attest(node).verdict == .pass)
        #expect(try await bench.store.read { try $0.attestationState(akName: akName) }?.bootKeySPKI == nil)
    }

    // MARK: Boots whose register values are left out

    private func attestWithoutValues(_ node: SoftwareNode, _ bench: VerifierTestBench) async throws -> EvidenceReply {
        var submission = try await node.evidence(bench)
        submission.pcrs = nil
        return try await bench.finish(try await bench.attestation.submit(submission, node: node.peer), node)
    }

    @Test("Values may be left out once they passed, and such evidence says the same")
    func leftOut() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        let first = try await bench.attest(node)
        let reply = try await attestWithoutValues(node, bench)
        #expect(reply.verdict == .pass)
        let record = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }
        #expect(record?.sameAs == first.verdictID)
    }

    @Test("The values of one node do not stand for those that another never sent, though they booted the same")
    func valuesOfAnother() async throws {
        let bench = try await VerifierTestBench()
        let (first, second) = (try await bench.enrolled("n1"), try await bench.enrolled("n2"))
        #expect(try await bench.attest(first).verdict == .pass)
        let refusal = await nodeRefusal { _ = try await attestWithoutValues(second, bench) }
        #expect(refusal?.code == "EVIDENCE_PCRS")
        #expect(try await bench.attest(second).verdict == .pass)
    }

    @Test("Values left out for another digest than the kept one are asked for")
    func otherDigest() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        let pcr = try #require(PCRIndex(7))
        node.values.set(.zero(.sha256), bank: .sha256, index: pcr)
        let refusal = await nodeRefusal { _ = try await attestWithoutValues(node, bench) }
        #expect(refusal?.code == "EVIDENCE_PCRS")
    }

    @Test("RV-09: a boot that was judged is judged again when its references change")
    func otherReferences() async throws {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        #expect(try await attestWithoutValues(node, bench).verdict == .pass)
        try await bench.store.write { tx in
            guard var active = try tx.activeReference(group: "default") else { return }
            active.status = .retired
            try tx.save(active)
        }
        #expect(try await attestWithoutValues(node, bench).verdict == .error)
    }

    @Test("A boot that was judged is judged again when its node shows another log")
    func otherLog() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        #expect(try await attestWithoutValues(node, bench).verdict == .pass)
        node.eventLog.removeLast(100)
        let reply = try await attestWithoutValues(node, bench)
        #expect(reply.verdict != nil)
        #expect(reply.verdict != .pass)
    }
}
