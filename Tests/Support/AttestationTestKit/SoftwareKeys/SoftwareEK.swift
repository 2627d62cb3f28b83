import ByteParsing
public import Crypto
import CryptoExtras
public import TPMCryptography
public import TPMStructures

/// An ECC endorsement key whose private half is in this process: opens credentials as TPM2_ActivateCredential does,
/// written from Part 1's text and not from the code under test. RSA endorsement keys are tested against swtpm.
public struct SoftwareEK: Sendable {
    public enum PrivateKey: Sendable {
        case p256(P256.KeyAgreement.PrivateKey)
        case p384(P384.KeyAgreement.PrivateKey)
    }

    public let privateKey: PrivateKey
    public var publicArea: TPMTPublic

    public static let attributes: TPMAObject = [
        .fixedTPM, .fixedParent, .sensitiveDataOrigin, .adminWithPolicy, .restricted, .decrypt,
    ]

    /// SHA-256 and AES-128, as the TCG EK Credential Profile's template H-2 has them.
    public static func p256() -> SoftwareEK {
        let key = P256.KeyAgreement.PrivateKey()
        return SoftwareEK(.p256(key), .nistP256, Array(key.publicKey.rawRepresentation), .sha256, bits: 128)
    }

    /// SHA-384 and AES-256, as in template H-3 and in swtpm.
    public static func p384() -> SoftwareEK {
        let key = P384.KeyAgreement.PrivateKey()
        return SoftwareEK(.p384(key), .nistP384, Array(key.publicKey.rawRepresentation), .sha384, bits: 256)
    }

    private init(_ key: PrivateKey, _ curve: TPMECCCurve, _ point: [UInt8], _ hash: HashAlgorithm, bits: UInt16) {
        privateKey = key
        publicArea = TPMTPublic(
            nameAlgorithm: hash, attributes: Self.attributes,
            key: .ecc(
                .init(
                    symmetric: .cipher(.aes, keyBits: bits, mode: .cfb), scheme: .null, curve: curve,
                    x: Array(point.prefix(point.count / 2)), y: Array(point.suffix(point.count / 2)))))
    }

    /// - Returns: nil when the integrity check fails, as a TPM answers TPM_RC_INTEGRITY: for another object, another
    ///   EK, or changed bytes.
    public func activate(_ challenge: CredentialChallenge, for name: TPM2BName) throws -> [UInt8]? {
        guard case .ecc(let area) = publicArea.key, let hash = publicArea.nameAlgorithm,
            case .cipher(_, let bits, _) = area.symmetric
        else { return nil }
        var point = ByteReader(challenge.encryptedSecret.span)
        let x = try point.readBytes(Int(try point.readBigEndian(UInt16.self, "x.size")), "x")
        let y = try point.readBytes(Int(try point.readBigEndian(UInt16.self, "y.size")), "y")
        try point.expectEnd("point")
        let shared: [UInt8]
        switch privateKey {
        case .p256(let key):
            let secret = try key.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: x + y))
            shared = secret.withUnsafeBytes { Array($0) }
        case .p384(let key):
            let secret = try key.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: x + y))
            shared = secret.withUnsafeBytes { Array($0) }
        }
        let seed = KeyDerivation.kdfe(
            hash, z: shared, use: "IDENTITY", partyU: x, partyV: area.x, bits: UInt32(hash.digestSize * 8))
        var blob = ByteReader(challenge.credentialBlob.span)
        let integrity = try blob.readBytes(Int(try blob.readBigEndian(UInt16.self, "integrity.size")), "integrity")
        let encrypted = blob.readRemaining()
        let hmacKey = KeyDerivation.kdfa(
            hash, key: seed, label: "INTEGRITY", contextU: [], contextV: [], bits: UInt32(hash.digestSize * 8))
        guard MessageAuthentication.hmac(hash, key: hmacKey, encrypted + name.bytes) == integrity else { return nil }
        let cipherKey = KeyDerivation.kdfa(
            hash, key: seed, label: "STORAGE", contextU: name.bytes, contextV: [], bits: UInt32(bits))
        let plain = Array(
            try AES._CFB.decrypt(
                encrypted, using: SymmetricKey(data: cipherKey),
                iv: AES._CFB.IV(ivBytes: [UInt8](repeating: 0, count: 16))))
        var content = ByteReader(plain.span)
        let secret = try content.readBytes(Int(try content.readBigEndian(UInt16.self, "secret.size")), "secret")
        try content.expectEnd("secret")
        return secret
    }
}
