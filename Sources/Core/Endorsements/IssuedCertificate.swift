internal import TPMCryptography

/// Whether certificates lead from a leaf to a trusted root: by names, signatures, CA flags, key usages and path lengths
/// (RFC 5280, section 6.1). Says nothing about dates, revocation, names or what the leaf is for.
public struct IssuedCertificate: Hashable, Sendable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let notBefore: Int64
    public let notAfter: Int64
    /// DER.
    public let subjectPublicKeyInfo: [UInt8]
    /// Of every certificate of the path but the root, the leaf first: whom its issuer may revoke.
    public let issued: [Identity]

    /// What a revocation list names a certificate by.
    public struct Identity: Hashable, Sendable {
        /// DER name.
        public let issuer: [UInt8]
        /// Big-endian magnitude, without leading zeros.
        public let serialNumber: [UInt8]

        public init(issuer: [UInt8], serialNumber: [UInt8]) {
            self.issuer = issuer
            self.serialNumber = Array(serialNumber.drop { $0 == 0 })
        }
    }

    /// - Parameters:
    ///   - chain: DER, the leaf first; at most six are looked at.
    ///   - roots: DER; trusted as they are. One that does not read is none.
    /// - Returns: nil where the chain does not parse or leads to no root without a broken constraint.
    public init?(chain: [[UInt8]], roots: [[UInt8]]) {
        guard (1...CertificatePathBuilder.maxLength).contains(chain.count) else { return nil }
        var certificates: [EKCertificate] = []
        for der in chain {
            guard let certificate = try? EKCertificate(der: der) else { return nil }
            certificates.append(certificate)
        }
        var builder = CertificatePathBuilder(
            roots: roots.compactMap { try? EKCertificate(der: $0) }, intermediates: Array(certificates.dropFirst()))
        guard let path = builder.build(from: certificates[0]), path.problems.isEmpty else { return nil }
        notBefore = certificates[0].notBefore
        notAfter = certificates[0].notAfter
        subjectPublicKeyInfo = certificates[0].subjectPublicKeyInfo
        issued = path.path.dropLast().map {
            Identity(issuer: $0.fields.issuer, serialNumber: $0.fields.serialNumber)
        }
    }
}
