package import Crypto
internal import FoundationEssentials
internal import SwiftASN1
package import X509

/// A P-256 key and its CA certificate. Issues certificates; holds no files and no state.
package struct CertificateAuthority: Sendable {
    /// What the CA signs for; also its common name.
    package enum Purpose: String, Sendable, CaseIterable {
        case server = "server", identity = "identity", `operator` = "operator", admission = "admission"
    }

    package let certificate: Certificate
    package let chain: [Certificate]
    private let key: P256.Signing.PrivateKey

    /// - Parameter chain: issuers of `certificate` up to, but without, the root; empty for our own CAs.
    /// - Throws: ``CertificateAuthorityError`` when the key is not the certificate's or the certificate is not a CA's.
    package init(certificate: Certificate, key: P256.Signing.PrivateKey, chain: [Certificate] = []) throws {
        guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw CertificateAuthorityError.keyMismatch
        }
        guard case .isCertificateAuthority = try certificate.extensions.basicConstraints else {
            throw CertificateAuthorityError.notAnAuthority
        }
        self.certificate = certificate
        self.key = key
        self.chain = chain
    }

    /// A new self-signed CA that signs leaf certificates only.
    package static func create(
        _ purpose: Purpose, instance: String, key: P256.Signing.PrivateKey, nowMilliseconds: Int64
    ) throws -> Self {
        let name = try DistinguishedName {
            OrganizationName("Bootgate")
            CommonName("Bootgate \(purpose.rawValue) CA \(instance)")
        }
        let publicKey = Certificate.PublicKey(key.publicKey)
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: date(nowMilliseconds - CertificateLife.backdating),
            notValidAfter: date(nowMilliseconds + CertificateLife.authority), issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        return try Self(certificate: certificate, key: key)
    }

    /// Signs a leaf certificate.
    package func issue(_ profile: LeafProfile) throws -> Certificate {
        guard profile.notBeforeMilliseconds < profile.notAfterMilliseconds else {
            throw CertificateAuthorityError.emptyLife
        }
        let issuerKeyID = try certificate.extensions.subjectKeyIdentifier?.keyIdentifier
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: profile.publicKey,
            notValidBefore: Self.date(profile.notBeforeMilliseconds),
            notValidAfter: Self.date(profile.notAfterMilliseconds), issuer: certificate.subject,
            subject: try DistinguishedName { CommonName(profile.commonName) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([profile.usage])
                SubjectAlternativeNames(profile.alternativeNames)
                SubjectKeyIdentifier(hash: profile.publicKey)
                AuthorityKeyIdentifier(keyIdentifier: issuerKeyID)
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
    }

    /// DER of `leaf` and of the issuers a peer needs to build the path, without the root.
    package func path(to leaf: Certificate) throws -> [[UInt8]] {
        try ([leaf] + (chain.isEmpty ? [] : [certificate] + chain)).map { try CertificateEncoding.der($0) }
    }

    private static func date(_ milliseconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}

package enum CertificateAuthorityError: Error, Hashable, Sendable {
    case keyMismatch, notAnAuthority, emptyLife
}

/// Lives of certificates, in milliseconds.
package enum CertificateLife {
    private static let day: Int64 = 24 * 60 * 60 * 1000
    package static let authority = 3650 * day
    package static let server = 398 * day
    package static let identity = 90 * day
    package static let operatorKey = 365 * day
    package static let longestAdmission: Int64 = 60 * 60 * 1000
    /// How far before now a life starts, so that a peer whose clock is a little slow accepts it.
    package static let backdating: Int64 = 10 * 60 * 1000
}
