public import ByteParsing
internal import COpenSSL

/// A certificate revocation list (RFC 5280, section 5), as libcrypto reads it.
public struct OpenSSLRevocationList: Hashable, Sendable {
    /// Lists of large issuers have some MB; this is what is read at most, in bytes.
    public static let maxSize = 16 << 20

    public let der: [UInt8]
    /// DER name.
    public let issuer: [UInt8]
    /// By the big-endian magnitude of the serial number.
    public let revocations: [[UInt8]: Revocation]

    /// Since when, and why, a certificate is revoked (RFC 5280, section 5.3).
    public struct Revocation: Hashable, Sendable {
        /// Seconds since 1970-01-01T00:00:00Z.
        public let at: Int64
        /// When the key is known or thought to have been another's already, where the list says so.
        public let invalidSince: Int64?
        /// CRLReason; nil where the list says none.
        public let reason: Int?

        public init(at seconds: Int64, invalidSince: Int64? = nil, reason: Int? = nil) {
            at = seconds
            self.invalidSince = invalidSince
            self.reason = reason
        }

        /// keyCompromise, cACompromise and aACompromise: the key was in hands that are not its owner's.
        public var isCompromise: Bool { [1, 2, 10].contains(reason) }
        /// The first second of which the list says that the certificate no longer held.
        public var start: Int64 { min(at, invalidSince ?? at) }
    }

    /// - Throws: for other bytes than one list, and for an entry whose date, reason or date of invalidity does not read.
    public init(der: [UInt8]) throws(ParsingError) {
        guard der.count <= Self.maxSize else {
            throw ParsingError(
                field: "CertificateList", offset: 0,
                problem: .outOfRange(value: UInt64(der.count), limit: UInt64(Self.maxSize)))
        }
        let handle = try RevocationListHandle.parse(der)
        let list = unsafe handle.pointer
        self.der = der
        unsafe issuer = OpenSSLBytes.encode { unsafe i2d_X509_NAME(X509_CRL_get_issuer(list), $0) }
        let revoked = unsafe X509_CRL_get_REVOKED(list)
        var entries: [[UInt8]: Revocation] = [:]
        for index in 0..<max(0, unsafe OPENSSL_sk_num(revoked)) {
            guard let entry = unsafe OpaquePointer(OPENSSL_sk_value(revoked, index)) else { continue }
            let serial = unsafe OpenSSLBytes.string(X509_REVOKED_get0_serialNumber(entry))
            let revocation = try unsafe Self.revocation(entry)
            // Of two entries for one certificate the one that says more against it counts.
            if let known = entries[serial], known.isCompromise || known.start <= revocation.start,
                !revocation.isCompromise
            {
                continue
            }
            entries[serial] = revocation
        }
        revocations = entries
    }

    private static func revocation(_ entry: OpaquePointer) throws(ParsingError) -> Revocation {
        guard let at = unsafe OpenSSLBytes.seconds(X509_REVOKED_get0_revocationDate(entry)) else {
            throw OpenSSLCertificate.malformed("CertificateList.revocationDate", "not a time")
        }
        // -1: the entry has no such extension.
        var state: CInt = 0
        let reason = unsafe OpaquePointer(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &state, nil))
        defer { unsafe ASN1_ENUMERATED_free(UnsafeMutablePointer(reason)) }
        guard unsafe reason != nil || state == -1 else {
            throw OpenSSLCertificate.malformed("CertificateList.reasonCode", "not a reason")
        }
        let invalid = unsafe OpaquePointer(X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, &state, nil))
        defer { unsafe ASN1_GENERALIZEDTIME_free(UnsafeMutablePointer(invalid)) }
        let since = unsafe invalid.flatMap { unsafe OpenSSLBytes.seconds(UnsafePointer($0)) }
        guard since != nil || (unsafe invalid == nil && state == -1) else {
            throw OpenSSLCertificate.malformed("CertificateList.invalidityDate", "not a time")
        }
        return Revocation(
            at: at, invalidSince: since,
            reason: unsafe reason.map { unsafe Int(ASN1_ENUMERATED_get(UnsafePointer($0))) })
    }

    public func isSigned(byKey spki: [UInt8]) -> Bool {
        guard let handle = try? RevocationListHandle.parse(der) else { return false }
        let key = unsafe OpenSSLBytes.publicKey(spki)
        defer { unsafe EVP_PKEY_free(key) }
        defer { ERR_clear_error() }
        guard unsafe key != nil else { return false }
        return unsafe X509_CRL_verify(handle.pointer, key) == 1
    }
}

/// Owns one X509_CRL.
@safe private struct RevocationListHandle: ~Copyable {
    let pointer: OpaquePointer

    static func parse(_ der: [UInt8]) throws(ParsingError) -> Self {
        var consumed = 0
        let parsed: OpaquePointer? = unsafe der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            let result = unsafe d2i_X509_CRL(nil, &cursor, bytes.count)
            if let end = unsafe cursor, let start = bytes.baseAddress { consumed = unsafe end - start }
            return unsafe result
        }
        ERR_clear_error()
        guard let parsed = unsafe parsed else {
            throw OpenSSLCertificate.malformed("CertificateList", "not a revocation list")
        }
        let handle = unsafe Self(pointer: parsed)
        guard consumed == der.count else {
            throw ParsingError(
                field: "CertificateList", offset: consumed, problem: .trailingBytes(count: der.count - consumed))
        }
        return handle
    }

    deinit { unsafe X509_CRL_free(pointer) }
}
