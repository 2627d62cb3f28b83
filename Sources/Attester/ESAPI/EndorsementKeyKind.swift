package import TPMStructures

/// The default EK templates of the TCG EK Credential Profile for TPM Family 2.0, version 2.5, annex B: the low range
/// (L-1, L-2: policy-authorised, SHA-256) and the high range (H-1 to H-3: also by the empty user authorisation).
package enum EndorsementKeyKind: String, CaseIterable, Hashable, Sendable {
    /// L-1.
    case rsa2048 = "rsa-2048"
    /// L-2.
    case eccP256 = "ecc-p256"
    /// H-3; what swtpm_setup makes beside L-1.
    case eccP384 = "ecc-p384"
    /// H-1.
    case rsa2048High = "rsa-2048-high"
    /// H-2.
    case eccP256High = "ecc-p256-high"

    /// Where the key is persisted: the range of endorsement keys in the TCG Registry of Reserved TPM 2.0 Handles. The
    /// high range takes the last octet of the certificate's NV index, as swtpm_setup does.
    package var persistentHandle: UInt32 {
        switch self {
        case .rsa2048: 0x8101_0001
        case .eccP256: 0x8101_0002
        case .rsa2048High: 0x8101_0012
        case .eccP256High: 0x8101_0014
        case .eccP384: 0x8101_0016
        }
    }

    /// NV index of the certificate (EK Credential Profile, section 2.2.1.4 and 2.2.1.5).
    package var certificateIndex: UInt32 {
        switch self {
        case .rsa2048: 0x01C0_0002
        case .eccP256: 0x01C0_000A
        case .rsa2048High: 0x01C0_0012
        case .eccP256High: 0x01C0_0014
        case .eccP384: 0x01C0_0016
        }
    }

    /// The public area that TPM2_CreatePrimary takes.
    package var template: TPMTPublic {
        let low: TPMAObject = [
            .fixedTPM, .fixedParent, .sensitiveDataOrigin, .adminWithPolicy, .restricted, .decrypt,
        ]
        let high = low.union(.userWithAuth)
        let aes128 = TPMTSymDefObject.cipher(.aes, keyBits: 128, mode: .cfb)
        func rsa(_ modulus: [UInt8]) -> TPMTPublic.Key {
            .rsa(.init(symmetric: aes128, scheme: .null, keyBits: 2048, exponent: 0, modulus: modulus))
        }
        func ecc(_ curve: TPMECCCurve, _ symmetric: TPMTSymDefObject, _ coordinate: [UInt8]) -> TPMTPublic.Key {
            .ecc(.init(symmetric: symmetric, scheme: .null, curve: curve, x: coordinate, y: coordinate))
        }
        // The low range has zeros as its unique field, the high range nothing.
        let zeros = [UInt8](repeating: 0, count: 32)
        return switch self {
        case .rsa2048:
            TPMTPublic(
                nameAlgorithm: .sha256, attributes: low, authPolicy: Self.policyA,
                key: rsa([UInt8](repeating: 0, count: 256)))
        case .eccP256:
            TPMTPublic(
                nameAlgorithm: .sha256, attributes: low, authPolicy: Self.policyA, key: ecc(.nistP256, aes128, zeros))
        case .rsa2048High:
            TPMTPublic(nameAlgorithm: .sha256, attributes: high, authPolicy: Self.policyBSHA256, key: rsa([]))
        case .eccP256High:
            TPMTPublic(
                nameAlgorithm: .sha256, attributes: high, authPolicy: Self.policyBSHA256,
                key: ecc(.nistP256, aes128, []))
        case .eccP384:
            TPMTPublic(
                nameAlgorithm: .sha384, attributes: high, authPolicy: Self.policyBSHA384,
                key: ecc(.nistP384, .cipher(.aes, keyBits: 256, mode: .cfb), []))
        }
    }

    /// PolicyA: TPM2_PolicySecret(TPM_RH_ENDORSEMENT), SHA-256.
    static let policyA: [UInt8] = [
        0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC, 0x8D, 0x46, 0xA5, 0xD7, 0x24,
        0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52, 0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA,
    ]
    /// PolicyB: TPM2_PolicyOR of PolicyA and PolicyC (TPM2_PolicyAuthorizeNV).
    static let policyBSHA256: [UInt8] = [
        0xCA, 0x3D, 0x0A, 0x99, 0xA2, 0xB9, 0x39, 0x06, 0xF7, 0xA3, 0x34, 0x24, 0x14, 0xEF, 0xCF, 0xB3,
        0xA3, 0x85, 0xD4, 0x4C, 0xD1, 0xFD, 0x45, 0x90, 0x89, 0xD1, 0x9B, 0x50, 0x71, 0xC0, 0xB7, 0xA0,
    ]
    static let policyBSHA384: [UInt8] = [
        0xB2, 0x6E, 0x7D, 0x28, 0xD1, 0x1A, 0x50, 0xBC, 0x53, 0xD8, 0x82, 0xBC, 0xF5, 0xFD, 0x3A, 0x1A,
        0x07, 0x41, 0x48, 0xBB, 0x35, 0xD3, 0xB4, 0xE4, 0xCB, 0x1C, 0x0A, 0xD9, 0xBD, 0xE4, 0x19, 0xCA,
        0xCB, 0x47, 0xBA, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0F, 0x9F, 0xC0, 0x00, 0xF3, 0xF8, 0x0E, 0x12,
    ]
}
