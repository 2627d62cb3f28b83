import TPMCryptography
import TPMStructures

/// The byte strings that both sides hash: what a quote, a certification and an activation bind (architecture, section 3).
public enum ProtocolBinding {
    /// `SHA-256("bootgate/evidence/v1" ‖ nonce ‖ SHA-256(node-key SPKI DER) ‖ SHA-256(claims))`: the quote's extraData.
    public static func evidence(nonce: [UInt8], nodeKeySPKI: [UInt8], claims: [UInt8]) -> [UInt8] {
        sha256(Array("bootgate/evidence/v1".utf8) + nonce + sha256(nodeKeySPKI) + sha256(claims))
    }

    /// `SHA-256("bootgate/enrollment/v1" ‖ SHA-256(request body) ‖ SHA-256(response body) ‖ node-key SPKI DER)`.
    public static func enrollmentTranscript(request: [UInt8], response: [UInt8], nodeKeySPKI: [UInt8]) -> [UInt8] {
        sha256(Array("bootgate/enrollment/v1".utf8) + sha256(request) + sha256(response) + nodeKeySPKI)
    }

    /// `SHA-256("bootgate/boot-key/v1" ‖ SHA-256(node-key SPKI DER))`: extraData of the boot key's certification.
    public static func bootKey(nodeKeySPKI: [UInt8]) -> [UInt8] {
        sha256(Array("bootgate/boot-key/v1".utf8) + sha256(nodeKeySPKI))
    }

    /// What an operator signs: `"bootgate/reference/v1" ‖ 0x00 ‖ act ‖ 0x00 ‖ version ‖ SHA-256(document)`, the version as four
    /// bytes, big-endian. The document names set and group, so the signature is good for one act on one version of one set.
    public static func reference(act: ReferenceAct, version: Int, document: [UInt8]) -> [UInt8] {
        let number = UInt32(clamping: version)
        return Array("bootgate/reference/v1".utf8) + [0] + Array(act.rawValue.utf8) + [0]
            + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } + sha256(document)
    }

    /// Lower-case hexadecimal, as acts on reference sets name documents.
    public static func documentSHA256(_ document: [UInt8]) -> String { MessageDigest.hash(document, .sha256).hex }

    private static func sha256(_ bytes: [UInt8]) -> [UInt8] { MessageDigest.hash(bytes, .sha256).bytes }
}
