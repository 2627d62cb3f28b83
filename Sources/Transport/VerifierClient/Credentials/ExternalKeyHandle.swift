internal import CCurl
internal import Synchronization

/// An EVP_PKEY whose signatures come from an ``ExternalKey``.
///
/// OpenSSL 3.0 hands a key with an EC_KEY_METHOD of its own to the legacy path, so that CertificateVerify and X509_sign
/// reach our function (tried: stack.md). The EC_KEY holds a pointer to this object: whoever gives the EVP_PKEY to
/// OpenSSL keeps this object alive until OpenSSL's own reference is gone.
@safe final class ExternalKeyHandle {
    private let key: ExternalKey
    private let method: OpaquePointer
    private let pkey: OpaquePointer
    private let failure = Mutex<String?>(nil)

    private static let exDataIndex: Int32 = bootgate_ec_key_new_index()
    /// An ECDSA-Sig-Value over P-256 is at most 72 bytes; OpenSSL's buffer has that size.
    private static let maxSignatureSize = 72

    init(_ key: ExternalKey) throws(VerifierClientError) {
        let problem = VerifierClientError(.configuration, "the node key is no P-256 SubjectPublicKeyInfo")
        guard let method = unsafe bootgate_ec_key_method_new(Self.sign) else { throw problem }
        guard let pkey = unsafe EVP_PKEY_new() else {
            unsafe EC_KEY_METHOD_free(method)
            throw problem
        }
        unsafe self.method = unsafe method
        unsafe self.pkey = unsafe pkey
        self.key = key
        // From here on deinit frees both, also when the initializer throws.
        guard let ecKey = unsafe Self.makeECKey(key.subjectPublicKeyInfo) else { throw problem }
        let reference = unsafe Unmanaged.passUnretained(self).toOpaque()
        guard unsafe EC_KEY_set_method(ecKey, method) == 1,
            unsafe EC_KEY_set_ex_data(ecKey, Self.exDataIndex, reference) == 1,
            unsafe EVP_PKEY_assign(pkey, EVP_PKEY_EC, UnsafeMutableRawPointer(ecKey)) == 1
        else {
            unsafe EC_KEY_free(ecKey)
            throw problem
        }
    }

    deinit {
        unsafe EVP_PKEY_free(pkey)
        unsafe EC_KEY_METHOD_free(method)
    }

    func withKey<Result>(_ body: (OpaquePointer) throws(VerifierClientError) -> Result) throws(VerifierClientError)
        -> Result
    {
        try unsafe body(pkey)
    }

    /// What the last failed signature said; reading it forgets it.
    func takeFailure() -> String? {
        failure.withLock { message in
            defer { message = nil }
            return message
        }
    }

    /// A P-256 EC_KEY with the public point of a SubjectPublicKeyInfo, or nil.
    private static func makeECKey(_ subjectPublicKeyInfo: [UInt8]) -> OpaquePointer? {
        let parsed = unsafe subjectPublicKeyInfo.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var cursor = bytes.baseAddress
            let parsed = unsafe d2i_PUBKEY(nil, &cursor, bytes.count)
            // Trailing bytes: not the key that was meant.
            if unsafe cursor != bytes.baseAddress.map({ unsafe $0 + bytes.count }) {
                unsafe EVP_PKEY_free(parsed)
                return nil
            }
            return unsafe parsed
        }
        guard let parsed = unsafe parsed else { return nil }
        defer { unsafe EVP_PKEY_free(parsed) }
        guard let source = unsafe EVP_PKEY_get1_EC_KEY(parsed) else { return nil }
        defer { unsafe EC_KEY_free(source) }
        guard unsafe EC_GROUP_get_curve_name(EC_KEY_get0_group(source)) == NID_X9_62_prime256v1,
            let point = unsafe EC_KEY_get0_public_key(source),
            let result = unsafe EC_KEY_new_by_curve_name(NID_X9_62_prime256v1)
        else { return nil }
        guard unsafe EC_KEY_set_public_key(result, point) == 1 else {
            unsafe EC_KEY_free(result)
            return nil
        }
        return unsafe result
    }

    private static let sign: bootgate_ecdsa_sign = { _, digest, digestSize, signature, signatureSize, _, _, ecKey in
        guard let ecKey = unsafe ecKey, let digest = unsafe digest, let signature = unsafe signature,
            let signatureSize = unsafe signatureSize, digestSize > 0,
            let reference = unsafe EC_KEY_get_ex_data(ecKey, ExternalKeyHandle.exDataIndex)
        else { return 0 }
        let handle = unsafe Unmanaged<ExternalKeyHandle>.fromOpaque(reference).takeUnretainedValue()
        let bytes = unsafe Array(UnsafeBufferPointer(start: digest, count: Int(digestSize)))
        do {
            let made = try handle.key.sign(bytes)
            guard !made.isEmpty, made.count <= ExternalKeyHandle.maxSignatureSize else {
                handle.failure.withLock { $0 = "the signature has \(made.count) bytes" }
                return 0
            }
            for (index, byte) in made.enumerated() { unsafe signature[index] = byte }
            unsafe signatureSize.pointee = UInt32(made.count)
            return 1
        } catch {
            handle.failure.withLock { $0 = "\(error)" }
            return 0
        }
    }
}
