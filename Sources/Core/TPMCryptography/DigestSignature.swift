internal import COpenSSL
public import TPMStructures

/// Signatures over a digest that somebody else made: the message itself is not at hand (a file that a node measured).
public enum DigestSignature {
    /// True only for a valid signature of this key over exactly this digest: RSASSA-PKCS1-v1_5 with the DigestInfo of the
    /// digest's algorithm (RFC 8017, section 8.2), or ECDSA as DER of two integers (RFC 3279, section 2.2.3).
    ///
    /// False for everything else: another key type, SHA-1 and SM3, a key with ``SubjectPublicKey/defects``, bytes after the
    /// signature.
    public static func isValid(_ signature: [UInt8], by key: SubjectPublicKey, over digest: Digest) -> Bool {
        let method: OpaquePointer?
        switch digest.algorithm {
        case .sha256: unsafe method = unsafe EVP_sha256()
        case .sha384: unsafe method = unsafe EVP_sha384()
        case .sha512: unsafe method = unsafe EVP_sha512()
        case .sha1, .sm3: return false
        }
        let handle: OpaquePointer? = unsafe key.spki.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return unsafe d2i_PUBKEY(nil, &cursor, bytes.count)
        }
        defer { unsafe EVP_PKEY_free(handle) }
        let context = unsafe EVP_PKEY_CTX_new(handle, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        defer { ERR_clear_error() }
        guard unsafe handle != nil, unsafe context != nil, unsafe EVP_PKEY_verify_init(context) == 1 else {
            return false
        }
        if case .rsa = key {
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 else { return false }
        }
        guard unsafe EVP_PKEY_CTX_set_signature_md(context, method) == 1 else { return false }
        return unsafe EVP_PKEY_verify(context, signature, signature.count, digest.bytes, digest.bytes.count) == 1
    }
}

extension SubjectPublicKey {
    /// SHA-1 of the key's bit string: what a certificate's subject key identifier mostly holds (RFC 5280, section 4.2.1.2,
    /// method 1) and what `evmctl` takes a signature's key id from. Names a key; never proves one.
    public var keyIdentifier: [UInt8] {
        let content: [UInt8] =
            switch self {
            case .rsa(let modulus, let exponent):
                DER.encode(DER.sequence, DER.encodeInteger(modulus) + DER.encodeInteger(exponent))
            case .ecc(_, let x, let y): [4] + x + y
            }
        return MessageDigest.hash(content, .sha1).bytes
    }
}
