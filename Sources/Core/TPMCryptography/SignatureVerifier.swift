internal import COpenSSL
internal import Crypto
internal import CryptoExtras
internal import TPMStructures

/// A public key as the library wants it, parsed and checked once and kept: parsing again for every signature would
/// cost 10–30 % of it (stack.md, section 4).
enum SignatureVerifier: Sendable {
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
    case p521(P521.Signing.PublicKey)
    case rsa(_RSA.Signing.PublicKey, modulusSize: Int, spki: [UInt8])

    /// - Returns: nil when the library refuses the key: a point off its curve, a coordinate not below the prime, a
    ///   modulus or exponent of a size or shape that it does not take. Callers have run
    ///   ``SubjectPublicKey/defects`` before.
    init?(_ key: SubjectPublicKey) {
        switch key {
        case .rsa(let modulus, let exponent):
            guard let parsed = try? _RSA.Signing.PublicKey(n: modulus, e: exponent) else { return nil }
            self = .rsa(parsed, modulusSize: modulus.count, spki: key.spki)
        case .ecc(.nistP256, let x, let y):
            guard let parsed = try? P256.Signing.PublicKey(rawRepresentation: x + y) else { return nil }
            self = .p256(parsed)
        case .ecc(.nistP384, let x, let y):
            guard let parsed = try? P384.Signing.PublicKey(rawRepresentation: x + y) else { return nil }
            self = .p384(parsed)
        case .ecc(.nistP521, let x, let y):
            guard let parsed = try? P521.Signing.PublicKey(rawRepresentation: x + y) else { return nil }
            self = .p521(parsed)
        case .ecc: return nil
        }
    }

    /// True only for a valid signature of this key type over `message`. False for everything else, also for hash
    /// algorithms that no signature of ours may use (SHA-1, SM3).
    func verify(_ signature: TPMTSignature, over message: [UInt8]) -> Bool {
        switch signature.hash {
        case .sha256: verify(signature, digest: SHA256.hash(data: message), message)
        case .sha384: verify(signature, digest: SHA384.hash(data: message), message)
        case .sha512: verify(signature, digest: SHA512.hash(data: message), message)
        case .sha1, .sm3: false
        }
    }

    // The library cuts a digest longer than the curve's order (SEC 1, section 4.1.4) and refuses r and s outside
    // 1..<n.
    private func verify(_ signature: TPMTSignature, digest: some Crypto.Digest, _ message: [UInt8]) -> Bool {
        switch (self, signature) {
        case (.p256(let key), .ecdsa(_, let r, let s)):
            guard let raw = Self.raw(r, s, 32), let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: raw)
            else { return false }
            return key.isValidSignature(parsed, for: digest)
        case (.p384(let key), .ecdsa(_, let r, let s)):
            guard let raw = Self.raw(r, s, 48), let parsed = try? P384.Signing.ECDSASignature(rawRepresentation: raw)
            else { return false }
            return key.isValidSignature(parsed, for: digest)
        case (.p521(let key), .ecdsa(_, let r, let s)):
            guard let raw = Self.raw(r, s, 66), let parsed = try? P521.Signing.ECDSASignature(rawRepresentation: raw)
            else { return false }
            return key.isValidSignature(parsed, for: digest)
        case (.rsa(let key, let size, _), .rsassa(_, let bytes)):
            guard bytes.count == size else { return false }
            return key.isValidSignature(.init(rawRepresentation: bytes), for: digest, padding: .insecurePKCS1v1_5)
        case (.rsa(let key, let size, let spki), .rsapss(let hash, let bytes)):
            guard bytes.count == size else { return false }
            // swift-crypto takes salts as long as the digest only; some hardware TPMs salt with all there is room for.
            return key.isValidSignature(.init(rawRepresentation: bytes), for: digest, padding: .PSS)
                || OpenSSLSignature.verifyPSS(hash, bytes, message, spki: spki)
        default: return false
        }
    }

    private static func raw(_ r: [UInt8], _ s: [UInt8], _ size: Int) -> [UInt8]? {
        if r.count == size, s.count == size { return r + s }
        guard let r = leftPadded(r, to: size), let s = leftPadded(s, to: size) else { return nil }
        return r + s
    }
}

enum OpenSSLSignature {
    /// RSASSA-PSS with a salt of any length, MGF1 over the same hash.
    static func verifyPSS(_ hash: HashAlgorithm, _ signature: [UInt8], _ message: [UInt8], spki: [UInt8]) -> Bool {
        let method: OpaquePointer?
        switch hash {
        case .sha256: unsafe method = unsafe EVP_sha256()
        case .sha384: unsafe method = unsafe EVP_sha384()
        case .sha512: unsafe method = unsafe EVP_sha512()
        case .sha1, .sm3: return false
        }
        let key: OpaquePointer? = unsafe spki.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return unsafe d2i_PUBKEY(nil, &cursor, bytes.count)
        }
        defer { unsafe EVP_PKEY_free(key) }
        let context = unsafe EVP_MD_CTX_new()
        defer { unsafe EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        defer { ERR_clear_error() }
        guard unsafe key != nil, unsafe context != nil,
            unsafe EVP_DigestVerifyInit(context, &parameters, method, nil, key) == 1,
            unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
            unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) == 1
        else { return false }
        return unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}
