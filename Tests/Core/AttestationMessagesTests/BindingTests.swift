import AttestationMessages
import ByteParsing
import Testing

/// The expected values were computed with Python's hashlib from the formulas of the protocol article.
@Suite("What both sides hash")
struct ProtocolBindingTests {
    private let nonce = (0..<32).map { UInt8($0) }
    private let spki = (0..<91).map { UInt8(truncatingIfNeeded: $0 * 7) }
    private let claims = Array(#"{"nodeID":"edge-01"}"#.utf8)

    @Test("A quote binds the label, the nonce, the node key and the claims, in this order")
    func evidence() {
        let bound = ProtocolBinding.evidence(nonce: nonce, nodeKeySPKI: spki, claims: claims)
        #expect(Hex.encode(bound) == "9a8d11d09e0711b4cef1c01567ad17343d5c6f6de0d9c13fa3dc8acee2f390a4")
    }

    @Test("An activation binds both messages and the node key")
    func enrollment() {
        let bound = ProtocolBinding.enrollmentTranscript(
            request: Array("request".utf8), response: Array("response".utf8), nodeKeySPKI: spki)
        #expect(Hex.encode(bound) == "eeabcda51aa4bc2012d061350cb33db1f45cf4034eab48984255e6f0654f771f")
    }

    @Test("A boot key's certification binds the node key")
    func bootKey() {
        #expect(
            Hex.encode(ProtocolBinding.bootKey(nodeKeySPKI: spki))
                == "694bacea9baa529ad668d8a91ebbb7cc4551af8b5b86c3d57359c8e8f087864e")
    }

    @Test("Another byte anywhere, or a byte moved from one part to the next, is another binding")
    func everyByteCounts() {
        let bound = ProtocolBinding.evidence(nonce: nonce, nodeKeySPKI: spki, claims: claims)
        for index in nonce.indices {
            var other = nonce
            other[index] ^= 1
            #expect(ProtocolBinding.evidence(nonce: other, nodeKeySPKI: spki, claims: claims) != bound)
        }
        for index in spki.indices {
            var other = spki
            other[index] ^= 0x80
            #expect(ProtocolBinding.evidence(nonce: nonce, nodeKeySPKI: other, claims: claims) != bound)
            #expect(ProtocolBinding.bootKey(nodeKeySPKI: other) != ProtocolBinding.bootKey(nodeKeySPKI: spki))
        }
        #expect(
            ProtocolBinding.evidence(
                nonce: nonce, nodeKeySPKI: spki + claims.prefix(1), claims: Array(claims.dropFirst()))
                != bound)
        #expect(
            ProtocolBinding.enrollmentTranscript(request: [1, 2], response: [3], nodeKeySPKI: spki)
                != ProtocolBinding.enrollmentTranscript(request: [1], response: [2, 3], nodeKeySPKI: spki))
    }
}
