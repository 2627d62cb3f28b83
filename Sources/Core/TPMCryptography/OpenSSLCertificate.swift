public import ByteParsing
internal import COpenSSL

/// The fields of an X.509 certificate, as libcrypto reads them.
///
/// It is here because real EK certificates carry keys under id-RSAES-OAEP and signatures by RSA-PSS, which
/// swift-certificates does not take. Guarantees: one certificate, no bytes after it. Says nothing about trust. Callers
/// check that the bytes are strict DER before they come here: libcrypto also reads BER.
public struct OpenSSLCertificate: Hashable, Sendable {
    public struct Extension: Hashable, Sendable {
        /// Dotted decimal.
        public let identifier: String
        public let isCritical: Bool
        /// DER of the extension's own type.
        public let value: [UInt8]
    }

    /// The largest certificate that is read, in bytes. EK certificates have 1–2 kB.
    public static let maxSize = 16_384
    public static let maxExtensions = 64

    public let der: [UInt8]
    /// 1, 2 or 3.
    public let version: Int
    /// DER names.
    public let issuer: [UInt8]
    public let subject: [UInt8]
    /// Big-endian magnitude.
    public let serialNumber: [UInt8]
    /// Seconds since 1970-01-01T00:00:00Z.
    public let notBefore: Int64
    public let notAfter: Int64
    /// DER SubjectPublicKeyInfo, whatever its algorithm.
    public let subjectPublicKeyInfo: [UInt8]
    /// libcrypto's short name of the hash that was signed, `SHA256` or `SHA1`, also where RSA-PSS hides it in its
    /// parameters; `UNDEF` for a signature algorithm without one.
    public let signatureDigest: String
    /// In the order of the certificate; each identifier once.
    public let extensions: [Extension]

    public init(der: [UInt8]) throws(ParsingError) {
        guard der.count <= Self.maxSize else {
            throw ParsingError(
                field: "Certificate", offset: 0,
                problem: .outOfRange(value: UInt64(der.count), limit: UInt64(Self.maxSize)))
        }
        let handle = try CertificateHandle.parse(der)
        self.der = der
        let certificate = unsafe handle.pointer
        version = unsafe X509_get_version(certificate) + 1
        unsafe issuer = OpenSSLBytes.encode { unsafe i2d_X509_NAME(X509_get_issuer_name(certificate), $0) }
        unsafe subject = OpenSSLBytes.encode { unsafe i2d_X509_NAME(X509_get_subject_name(certificate), $0) }
        serialNumber = unsafe OpenSSLBytes.string(X509_get0_serialNumber(certificate))
        unsafe subjectPublicKeyInfo = OpenSSLBytes.encode {
            unsafe i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), $0)
        }
        guard let start = unsafe OpenSSLBytes.seconds(X509_get0_notBefore(certificate)),
            let end = unsafe OpenSSLBytes.seconds(X509_get0_notAfter(certificate))
        else { throw Self.malformed("Certificate.validity", "not a time") }
        notBefore = start
        notAfter = end
        var digest = NID_undef
        unsafe X509_get_signature_info(certificate, &digest, nil, nil, nil)
        signatureDigest = unsafe OBJ_nid2sn(digest).map { unsafe String(cString: $0) } ?? "UNDEF"

        let count = Int(unsafe X509_get_ext_count(certificate))
        guard count <= Self.maxExtensions else {
            throw ParsingError(
                field: "Certificate.extensions", offset: 0,
                problem: .outOfRange(value: UInt64(count), limit: UInt64(Self.maxExtensions)))
        }
        var list: [Extension] = []
        for index in 0..<count {
            let entry = unsafe X509_get_ext(certificate, CInt(index))
            list.append(
                Extension(
                    identifier: unsafe OpenSSLBytes.identifier(X509_EXTENSION_get_object(entry)),
                    isCritical: unsafe X509_EXTENSION_get_critical(entry) != 0,
                    value: unsafe OpenSSLBytes.string(X509_EXTENSION_get_data(entry))))
        }
        guard Set(list.map(\.identifier)).count == list.count else {
            throw Self.malformed("Certificate.extensions", "an extension occurs twice")
        }
        extensions = list
    }

    /// True when the certificate's signature verifies with the key of a DER SubjectPublicKeyInfo. Looks at nothing else.
    public func isSigned(byKey spki: [UInt8]) -> Bool {
        guard let handle = try? CertificateHandle.parse(der) else { return false }
        let key = unsafe OpenSSLBytes.publicKey(spki)
        defer { unsafe EVP_PKEY_free(key) }
        defer { ERR_clear_error() }
        guard unsafe key != nil else { return false }
        return unsafe X509_verify(handle.pointer, key) == 1
    }

    static func malformed(_ field: String, _ reason: String) -> ParsingError {
        ParsingError(field: field, offset: 0, problem: .malformed(reason))
    }
}

/// Owns one X509.
@safe private struct CertificateHandle: ~Copyable {
    let pointer: OpaquePointer

    static func parse(_ der: [UInt8]) throws(ParsingError) -> Self {
        var consumed = 0
        let parsed: OpaquePointer? = unsafe der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            let result = unsafe d2i_X509(nil, &cursor, bytes.count)
            if let end = unsafe cursor, let start = bytes.baseAddress { consumed = unsafe end - start }
            return unsafe result
        }
        ERR_clear_error()
        guard let parsed = unsafe parsed else { throw OpenSSLCertificate.malformed("Certificate", "not a certificate") }
        let handle = unsafe Self(pointer: parsed)
        guard consumed == der.count else {
            throw ParsingError(
                field: "Certificate", offset: consumed, problem: .trailingBytes(count: der.count - consumed))
        }
        return handle
    }

    deinit { unsafe X509_free(pointer) }
}

/// Copies out of libcrypto's structures.
enum OpenSSLBytes {
    /// Runs an `i2d_…` function twice: for the size, then for the bytes.
    static func encode(_ function: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> CInt) -> [UInt8] {
        let size = Int(function(nil))
        guard size > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: size)
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var cursor = buffer.baseAddress
            _ = unsafe function(&cursor)
        }
        return bytes
    }

    /// The content of an ASN1_STRING or a type that is one (ASN1_INTEGER, ASN1_OCTET_STRING).
    static func string(_ value: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
        guard let value = unsafe value, let data = unsafe ASN1_STRING_get0_data(value) else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: data, count: Int(max(0, ASN1_STRING_length(value)))))
    }

    static func identifier(_ object: OpaquePointer?) -> String {
        guard let object = unsafe object else { return "" }
        var text = [CChar](repeating: 0, count: 128)
        let length = Int(unsafe OBJ_obj2txt(&text, CInt(text.count), object, 1))
        guard length > 0, length < text.count else { return "" }
        return String(decoding: text.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let time = unsafe time, let epoch = unsafe ASN1_TIME_set(nil, 0) else { return nil }
        defer { unsafe ASN1_STRING_free(epoch) }
        var days: CInt = 0
        var seconds: CInt = 0
        guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    static func publicKey(_ spki: [UInt8]) -> OpaquePointer? {
        unsafe spki.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return unsafe d2i_PUBKEY(nil, &cursor, bytes.count)
        }
    }
}
