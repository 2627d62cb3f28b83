internal import ByteParsing
public import TPMCryptography
internal import TPMStructures

/// A key that may sign files.
public struct RuntimeSigner: Hashable, Sendable {
    public let name: String
    public let key: SubjectPublicKey
    /// What signatures name the key by: the last four bytes of the certificate's subject key identifier, or of the key's own
    /// identifier where there is none.
    public let keyID: UInt32
    /// What appended signatures name it by; nil for a bare key.
    let certificate: DetachedSignature.SignerIdentifier?
    /// Milliseconds since 1970; nil for a bare key.
    public let notBefore: Int64?
    public let notAfter: Int64?
    /// Nil for all paths.
    public let paths: [PathGlob]?

    /// - Throws: `POL_SCHEMA` for anything but one certificate or one sound public key of RSA, P-256 or P-384; as
    ///   ``PathGlob`` for its paths.
    init(_ signer: ReferenceSet.Runtime.Signer) throws(ReferenceSetProblem) {
        func refused(_ path: String, _ detail: String) -> ReferenceSetProblem {
            ReferenceSetProblem(code: ReferenceSetProblem.schema, path: path, detail: detail)
        }
        guard !signer.name.isEmpty, signer.name.utf8.count <= ReferenceSetLint.maximumNameBytes else {
            throw refused("name", "must have 1 to \(ReferenceSetLint.maximumNameBytes) bytes")
        }
        guard (signer.certificate == nil) != (signer.publicKey == nil) else {
            throw refused("", "needs either a certificate or a publicKey")
        }
        name = signer.name
        var identifier: [UInt8]?
        do throws(ParsingError) {
            if let text = signer.certificate {
                let blocks = try PEM.blocks(text, label: "CERTIFICATE")
                guard blocks.count == 1, let der = blocks.first else {
                    throw ParsingError(
                        field: "PEM", offset: 0, problem: .malformed("\(blocks.count) CERTIFICATE blocks"))
                }
                let certificate = try OpenSSLCertificate(der: der)
                key = try SubjectPublicKey(spki: certificate.subjectPublicKeyInfo)
                identifier = certificate.extensions.first { $0.identifier == Self.subjectKeyIdentifier }?.value
                self.certificate = .certificate(
                    issuer: certificate.issuer, serialNumber: Array(certificate.serialNumber.drop { $0 == 0 }))
                notBefore = certificate.notBefore * 1000
                notAfter = certificate.notAfter * 1000
            } else {
                key = try SubjectPublicKey(pem: signer.publicKey ?? "")
                certificate = nil
                notBefore = nil
                notAfter = nil
            }
        } catch {
            throw refused(signer.certificate == nil ? "publicKey" : "certificate", String(describing: error))
        }
        let isUsable =
            switch key {
            case .rsa: true
            case .ecc(let curve, _, _): curve == .nistP256 || curve == .nistP384
            }
        guard isUsable, key.defects.isEmpty else {
            throw refused("", "\(key.summary) is no sound RSA, P-256 or P-384 key")
        }
        keyID = (identifier ?? key.keyIdentifier).suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
        var globs: [PathGlob] = []
        for (index, pattern) in (signer.paths ?? []).enumerated() {
            globs.append(try ReferenceSetLint.glob(pattern, "paths[\(index)]"))
        }
        paths = signer.paths == nil ? nil : globs
    }

    /// RFC 5280, section 4.2.1.2.
    private static let subjectKeyIdentifier = "2.5.29.14"

    /// Whether an appended signature may be this signer's, as far as the name in it says: a bare key has no certificate that
    /// could be named.
    func answers(to identifier: DetachedSignature.SignerIdentifier) -> Bool {
        switch identifier {
        case .certificate: certificate.map { $0 == identifier } ?? true
        case .key(let identifier): identifier.suffix(4).reduce(0) { $0 << 8 | UInt32($1) } == keyID
        }
    }

    public func isValid(at milliseconds: Int64) -> Bool {
        notBefore.map { $0 <= milliseconds } ?? true && notAfter.map { milliseconds <= $0 } ?? true
    }
}
