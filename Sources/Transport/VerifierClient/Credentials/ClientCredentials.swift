/// How the caller proves who it is in the handshake.
package enum ClientCredentials: Sendable {
    /// No certificate: health probes only.
    case none
    /// PEM bytes of a certificate chain and its private key, read by ``file(certificate:key:)``.
    case pem(certificates: [UInt8], key: [UInt8])
    /// A key that never leaves its device, with its DER certificates, own first.
    case external(certificates: [[UInt8]], key: ExternalKey)

    /// Reads a certificate and a key file.
    ///
    /// - Throws: `keyPermissions` when the key's mode gives group or others any right (TA-17); `configuration` when a
    ///   file is missing, no regular file, or over 256 KiB.
    package static func file(certificate: String, key: String) throws(VerifierClientError) -> ClientCredentials {
        .pem(
            certificates: try CredentialFile.read(certificate, isSecret: false),
            key: try CredentialFile.read(key, isSecret: true))
    }
}

/// A P-256 private key that signs through a closure: a key in a TPM.
package struct ExternalKey: Sendable {
    /// DER SubjectPublicKeyInfo, as the peer sees it.
    package let subjectPublicKeyInfo: [UInt8]
    /// SHA-256 digest (32 bytes) in, DER `ECDSA-Sig-Value` out. Blocks; runs on the client's own thread.
    package let sign: @Sendable (_ digest: [UInt8]) throws -> [UInt8]

    package init(subjectPublicKeyInfo: [UInt8], sign: @escaping @Sendable (_ digest: [UInt8]) throws -> [UInt8]) {
        self.subjectPublicKeyInfo = subjectPublicKeyInfo
        self.sign = sign
    }
}
