import AttestationMessages
import AttestationTestKit
import SecurityEvents
import TPMCryptography
import TPMStructures
import Testing
import VerifierService
import VerifierStore

@Suite("Signatures of quotes")
struct SignatureTests {
    /// The order of P-256 (SEC 2, section 2.4.2), big-endian.
    static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ]

    private static func orderMinus(_ value: [UInt8]) -> [UInt8] {
        var result = order
        var borrow = 0
        for index in result.indices.reversed() {
            let difference = Int(result[index]) - Int(value[index]) - borrow
            borrow = difference < 0 ? 1 : 0
            result[index] = UInt8(truncatingIfNeeded: difference)
        }
        return result
    }

    private static func twin(_ submission: EvidenceSubmission) throws -> EvidenceSubmission {
        guard case .ecdsa(let hash, let r, let s) = try TPMTSignature(marshalled: submission.signature.bytes) else {
            throw ServiceError(.invalid, "TEST")
        }
        var twin = submission
        twin.signature = WireBytes(TPMTSignature.ecdsa(hash, r: r, s: orderMinus(s)).marshalled)
        return twin
    }

    private func trusted() async throws -> (VerifierTestBench, SoftwareNode) {
        let bench = try await VerifierTestBench()
        let node = try await bench.enrolled()
        try await bench.attest(node)
        return (bench, node)
    }

    @Test("QF-15: the twin (r, n-s) verifies by itself, and after the original it is a replay")
    func twin() async throws {
        let (bench, node) = try await trusted()
        let original = try await node.evidence(bench)
        #expect(try await bench.attestation.submit(original, node: node.peer).verdict == .pass)
        let twin = try Self.twin(original)
        #expect(twin.signature != original.signature)
        let after = await nodeRefusal { _ = try await bench.attestation.submit(twin, node: node.peer) }
        #expect(after?.kind == .conflict && after?.code == "QUOTE_REPLAY" && after?.verdictID == nil)
        #expect(try await bench.events().contains { $0.eventID == "QUOTE_REPLAY" })
        let alone = try Self.twin(try await node.evidence(bench))
        #expect(try await bench.attestation.submit(alone, node: node.peer).verdict == .pass)
        let id = node.id
        #expect(try await bench.store.read { try $0.verdicts(of: id, before: nil, limit: 10) }.count == 3)
    }

    @Test("QF-15: r or s that is zero, the group's order or above it is refused", arguments: [true, false])
    func range(_ isR: Bool) async throws {
        let (bench, node) = try await trusted()
        var above = Self.order
        above[31] += 1
        let all = [UInt8](repeating: 0xFF, count: 32)
        for value in [[], [0], [UInt8](repeating: 0, count: 32), Self.order, above, all] as [[UInt8]] {
            var submission = try await node.evidence(bench)
            guard case .ecdsa(let hash, let r, let s) = try TPMTSignature(marshalled: submission.signature.bytes)
            else { return }
            submission.signature = WireBytes(
                TPMTSignature.ecdsa(hash, r: isR ? value : r, s: isR ? s : value).marshalled)
            let reply = try await bench.attestation.submit(submission, node: node.peer)
            let verdict = try await bench.store.read { try $0.verdict(reply.verdictID ?? "") }
            #expect(reply.verdict == .fail && verdict?.reasons.contains("QUOTE_SIGNATURE") == true, "\(value)")
        }
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
    }

    @Test("QF-13: no bit of quote or signature can be flipped")
    func everyBit() async throws {
        let (bench, node) = try await trusted()
        let good = try await node.evidence(bench)
        let key = try AttestationKey(node.ak.publicArea)
        func verifies(_ quote: [UInt8], _ signature: [UInt8]) -> Bool {
            guard let unverified = try? UnverifiedQuote(attest: quote, signature: signature) else { return false }
            // Nothing but the signature decides here: nonce, signer and selection are not compared.
            let expectation = QuoteExpectation(offlineExtraData: nil, selection: nil, signers: nil)
            return (try? unverified.verify(with: key, expecting: expectation)) != nil
        }
        let (quote, signature) = (good.quote.bytes, good.signature.bytes)
        #expect(verifies(quote, signature))
        for bit in 0..<quote.count * 8 {
            var bytes = quote
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(!verifies(bytes, signature), "bit \(bit) of the quote")
        }
        for bit in 0..<signature.count * 8 {
            var bytes = signature
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(!verifies(quote, bytes), "bit \(bit) of the signature")
        }
    }
}
