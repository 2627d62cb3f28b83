import AttestationMessages
import Crypto
import JSONCoding
import ReferenceValues
import TestVectors
import Testing
import VerifierService

@Suite struct ReferenceCaptureTests {
    let fixture: OperatorFixture
    init() throws { fixture = try OperatorFixture() }

    /// A verdict that kept a real machine's evidence, as the first attestation without references leaves it.
    private func keepEvidence(of node: NodeID, quote: [UInt8], pcrs: [String: [String: String]]) async throws {
        let golden = TestVectors.golden
        let log = try golden.eventLog
        let digest = Array(SHA256.hash(data: log))
        let submission = try StrictJSON.encode(
            EvidenceSubmission(
                challengeID: "c1", quote: WireBytes(quote), signature: WireBytes(try golden.quoteSignature),
                claims: WireBytes([]), pcrs: pcrs, logs: []))
        let akName = OperatorFixture.name(101)
        try await fixture.store.write { tx in
            try tx.saveBlob(log, sha256: digest)
            try tx.insert(
                VerdictRecord(
                    verdictID: "v1", nodeID: node, akName: akName, verdict: .error, atMilliseconds: tx.now,
                    issuedAtMilliseconds: tx.now, firstBrokenLayer: nil, reasons: ["POL_MISSING"], referenceSet: nil,
                    submissionSHA256: digest, resetCount: 1, restartCount: 0, result: Array("{}".utf8), sameAs: nil,
                    evidence: submission, eventLogSHA256: digest))
        }
    }

    private func goldenPCRs() throws -> [String: [String: String]] {
        try TestVectors.golden.pcrs.mapValues { registers in
            Dictionary(uniqueKeysWithValues: registers.map { (String($0.key), $0.value) })
        }
    }

    private let request = ReferenceDraftRequest(
        name: "golden", group: "default", document: nil, captureFrom: [NodeID("edge-1")!], note: nil)

    @Test("RV-07: a capture from kept evidence is a sound draft that names its source and decides nothing")
    func capture() async throws {
        // TPM2B_PUBLIC in the vector; the store keeps TPMT_PUBLIC.
        let ak = Array(try TestVectors.golden.attestationKeyPublic.dropFirst(2))
        let node = try await fixture.enroll("edge-1", akPublic: ak)
        try await keepEvidence(of: node, quote: try TestVectors.golden.quoteMessage, pcrs: try goldenPCRs())
        let draft = try await fixture.references().draft(request, peer: fixture.ada)
        #expect(draft.view.status == .draft && draft.view.layers.contains("kernel"))
        guard case .object(let report)? = draft.capture else {
            Issue.record("no report")
            return
        }
        #expect(report["machines"] == .integer(1) && report["differences"] == .array([]))
        let set = try ReferenceSet(parsing: draft.document.bytes)
        #expect(set.provenance == ["node edge-1, verdict v1 (error)"])
        #expect(try await fixture.store.read { try $0.activeReference(group: "default") } == nil)
    }

    @Test("RV-07: kept evidence that somebody edited teaches no reference")
    func edited() async throws {
        let ak = Array(try TestVectors.golden.attestationKeyPublic.dropFirst(2))
        let node = try await fixture.enroll("edge-1", akPublic: ak)
        var quote = try TestVectors.golden.quoteMessage
        quote[quote.count - 1] ^= 1
        try await keepEvidence(of: node, quote: quote, pcrs: try goldenPCRs())
        #expect(
            try await refusalCode { try await fixture.references().draft(request, peer: fixture.ada) } == "REF_CAPTURE")
        #expect(try await fixture.references().references(peer: fixture.ada).items.isEmpty)
    }
}
