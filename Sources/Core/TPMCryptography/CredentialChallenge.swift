internal import ByteParsing
internal import COpenSSL
internal import Crypto
internal import CryptoExtras
public import TPMStructures

/// A secret that only the TPM holding both an EK and the named object can recover: TPM2_MakeCredential in software
/// (Part 1, "Credential Protection"; Part 3, TPM2_MakeCredential).
public struct CredentialChallenge: Hashable, Sendable {
    /// TPMS_ID_OBJECT: the content of TPM2B_ID_OBJECT (Part 2, section 12.4.3), without its outer size.
    public let credentialBlob: [UInt8]
    /// The content of TPM2B_ENCRYPTED_SECRET (Part 2, section 11.4.33), without its outer size.
    public let encryptedSecret: [UInt8]

    /// A challenge as it was received; only a TPM tells whether it opens.
    public init(credentialBlob: [UInt8], encryptedSecret: [UInt8]) {
        self.credentialBlob = credentialBlob
        self.encryptedSecret = encryptedSecret
    }

    /// - Parameters:
    ///   - secret: 1 to as many bytes as the EK's name algorithm gives; 16 and above is sensible.
    ///   - objectName: the AK's name, recomputed from its public area.
    ///   - random: must be the system's generator outside of tests.
    /// - Throws: `ID_EK_UNSUPPORTED` for a secret of another length, `ID_EK_MALFORMED` when the library refuses the key.
    public init(
        _ secret: [UInt8], for objectName: TPM2BName, to key: EndorsementKey,
        using random: inout some RandomNumberGenerator
    ) throws(EndorsementKeyRefusal) {
        let size = key.hash.digestSize
        guard (1...size).contains(secret.count) else {
            throw Refusal(.unsupported, "a secret of \(secret.count) bytes does not fit \(key.hash)")
        }
        let seed: [UInt8]
        switch key.publicKey {
        case .rsa(let modulus, _):
            seed = randomBytes(size, using: &random)
            guard
                let padded = OAEP.encode(
                    seed, label: Array("IDENTITY\0".utf8), key.hash, size: modulus.count,
                    seed: randomBytes(size, using: &random)),
                let encrypted = OpenSSLRSA.encryptRaw(padded, spki: key.publicKey.spki)
            else { throw Refusal(.malformed, "no RSA encryption to this key") }
            encryptedSecret = encrypted
        case .ecc(let curve, _, _):
            guard let exchange = EphemeralExchange(key, curve, using: &random) else {
                throw Refusal(.malformed, "no key exchange with this key")
            }
            seed = exchange.seed
            encryptedSecret = exchange.point
        }
        guard let blob = Self.protect(secret, seed: seed, objectName, key) else {
            throw Refusal(.unsupported, "AES-\(key.symmetricBits)-CFB")
        }
        credentialBlob = blob
    }

    /// Encrypts, then authenticates (Part 1, "Credential Blob").
    private static func protect(
        _ secret: [UInt8], seed: [UInt8], _ name: TPM2BName, _ key: EndorsementKey
    ) -> [UInt8]? {
        let cipherKey = KeyDerivation.kdfa(
            key.hash, key: seed, label: "STORAGE", contextU: name.bytes, contextV: [], bits: key.symmetricBits)
        var plain = ByteWriter()
        plain.writeSized(secret)
        guard let vector = try? AES._CFB.IV(ivBytes: [UInt8](repeating: 0, count: 16)),
            let cipher = try? AES._CFB.encrypt(plain.bytes, using: SymmetricKey(data: cipherKey), iv: vector)
        else { return nil }
        let hmacKey = KeyDerivation.kdfa(
            key.hash, key: seed, label: "INTEGRITY", contextU: [], contextV: [],
            bits: UInt32(key.hash.digestSize * 8))
        let encrypted = Array(cipher)
        var blob = ByteWriter()
        blob.writeSized(MessageAuthentication.hmac(key.hash, key: hmacKey, encrypted + name.bytes))
        blob.write(encrypted)
        return blob.bytes
    }
}

func randomBytes(_ count: Int, using random: inout some RandomNumberGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
}

/// The ECC way to share a seed (Part 1, "ECC Secret Sharing").
private struct EphemeralExchange {
    let seed: [UInt8]
    /// TPMS_ECC_POINT of the ephemeral key.
    let point: [UInt8]

    init?(_ key: EndorsementKey, _ curve: TPMECCCurve, using random: inout some RandomNumberGenerator) {
        guard case .ecc(_, let x, let y) = key.publicKey, case .ecc(let area) = key.publicArea.key else { return nil }
        let shared: [UInt8]
        let own: [UInt8]
        switch curve {
        case .nistP256:
            guard let peer = try? P256.KeyAgreement.PublicKey(rawRepresentation: x + y) else { return nil }
            let ephemeral = Self.scalar(32, using: &random) {
                try? P256.KeyAgreement.PrivateKey(rawRepresentation: $0)
            }
            guard let ephemeral, let secret = try? ephemeral.sharedSecretFromKeyAgreement(with: peer) else {
                return nil
            }
            shared = unsafe secret.withUnsafeBytes { unsafe Array($0) }
            own = Array(ephemeral.publicKey.rawRepresentation)
        case .nistP384:
            guard let peer = try? P384.KeyAgreement.PublicKey(rawRepresentation: x + y) else { return nil }
            let ephemeral = Self.scalar(48, using: &random) {
                try? P384.KeyAgreement.PrivateKey(rawRepresentation: $0)
            }
            guard let ephemeral, let secret = try? ephemeral.sharedSecretFromKeyAgreement(with: peer) else {
                return nil
            }
            shared = unsafe secret.withUnsafeBytes { unsafe Array($0) }
            own = Array(ephemeral.publicKey.rawRepresentation)
        default: return nil
        }
        let ownX = Array(own.prefix(own.count / 2))
        // The TPM hashes its own coordinate as its public area spells it.
        seed = KeyDerivation.kdfe(
            key.hash, z: shared, use: "IDENTITY", partyU: ownX, partyV: area.x, bits: UInt32(key.hash.digestSize * 8))
        var writer = ByteWriter()
        writer.writeSized(ownX)
        writer.writeSized(Array(own.suffix(own.count / 2)))
        point = writer.bytes
    }

    /// A private key from random bytes. The library refuses zero and values from the order on, which for these curves
    /// happens once in 2^32 draws; a generator that never yields a key is broken.
    private static func scalar<Key>(
        _ size: Int, using random: inout some RandomNumberGenerator, _ make: ([UInt8]) -> Key?
    ) -> Key? {
        for _ in 0..<16 {
            if let key = make(randomBytes(size, using: &random)) { return key }
        }
        return nil
    }
}

/// EME-OAEP (RFC 8017, section 7.1.1) with a label, which swift-crypto's interface lacks.
enum OAEP {
    /// - Returns: nil when the message does not fit, or `seed` is not as long as the hash.
    static func encode(
        _ message: [UInt8], label: [UInt8], _ hash: HashAlgorithm, size: Int, seed: [UInt8]
    ) -> [UInt8]? {
        let hashSize = hash.digestSize
        guard seed.count == hashSize, message.count + 2 * hashSize + 2 <= size else { return nil }
        let filler = [UInt8](repeating: 0, count: size - message.count - 2 * hashSize - 2)
        let block = MessageDigest.hash(label, hash).bytes + filler + [1] + message
        let maskedBlock = xor(block, mask(seed, block.count, hash))
        let maskedSeed = xor(seed, mask(maskedBlock, hashSize, hash))
        return [0] + maskedSeed + maskedBlock
    }

    /// MGF1 (RFC 8017, section B.2.1).
    static func mask(_ seed: [UInt8], _ size: Int, _ hash: HashAlgorithm) -> [UInt8] {
        var output: [UInt8] = []
        var counter: UInt32 = 0
        while output.count < size {
            var block = ByteWriter()
            block.write(seed)
            block.writeBigEndian(counter)
            output += MessageDigest.hash(block.bytes, hash).bytes
            counter += 1
        }
        return Array(output.prefix(size))
    }

    static func xor(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] { zip(left, right).map { $0 ^ $1 } }
}

enum OpenSSLRSA {
    /// `block^e mod n` for a block as long as the modulus; nil when the library refuses.
    static func encryptRaw(_ block: [UInt8], spki: [UInt8]) -> [UInt8]? {
        let key: OpaquePointer? = unsafe spki.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return unsafe d2i_PUBKEY(nil, &cursor, bytes.count)
        }
        defer { unsafe EVP_PKEY_free(key) }
        let context = unsafe EVP_PKEY_CTX_new(key, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        defer { ERR_clear_error() }
        guard unsafe context != nil, unsafe EVP_PKEY_encrypt_init(context) == 1,
            unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1
        else { return nil }
        var output = [UInt8](repeating: 0, count: block.count)
        var size = output.count
        guard unsafe EVP_PKEY_encrypt(context, &output, &size, block, block.count) == 1, size == block.count else {
            return nil
        }
        return output
    }
}
