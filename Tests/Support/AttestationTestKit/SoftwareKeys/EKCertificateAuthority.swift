import Crypto
public import Foundation
public import SwiftASN1
public import X509

/// A TPM manufacturer in this process: issues EK certificates and whatever a test wants instead of them.
public struct EKCertificateAuthority: Sendable {
    public let certificate: Certificate
    public let key: Certificate.PrivateKey
    private let signingKey: P256.Signing.PrivateKey

    /// When every certificate here begins; they last 20 years unless told otherwise.
    public static let epoch = Date(timeIntervalSince1970: 1_700_000_000)
    public static let manufacturer = "id:00001014"

    /// What an EK certificate says; the default passes every check.
    public struct Profile: Sendable {
        public var subject = DistinguishedName()
        public var notBefore = EKCertificateAuthority.epoch
        public var notAfter = EKCertificateAuthority.epoch.addingTimeInterval(20 * 365 * 86_400)
        public var isAuthority: Bool? = false
        /// Nil leaves the extension out.
        public var usages: [ASN1ObjectIdentifier]? = [[2, 23, 133, 8, 1]]
        public var keyUsage: KeyUsage? = KeyUsage(keyAgreement: true)
        public var manufacturer: String? = EKCertificateAuthority.manufacturer
        public var isAlternativeNameCritical = true
        public var alternativeNames: [GeneralName] = []
        public var extra: [Certificate.Extension] = []
        public init() {}
    }

    public static func root(_ name: String = "Test TPM Root CA") throws -> EKCertificateAuthority {
        try EKCertificateAuthority(name: name, issuer: nil, maxPathLength: nil)
    }

    public func intermediate(
        _ name: String = "Test TPM EK CA", maxPathLength: Int? = nil, isAuthority: Bool = true,
        keyUsage: KeyUsage = KeyUsage(keyCertSign: true, cRLSign: true)
    ) throws -> EKCertificateAuthority {
        try EKCertificateAuthority(
            name: name, issuer: self, maxPathLength: maxPathLength, isAuthority: isAuthority, keyUsage: keyUsage)
    }

    private init(
        name: String, issuer: EKCertificateAuthority?, maxPathLength: Int?, isAuthority: Bool = true,
        keyUsage: KeyUsage = KeyUsage(keyCertSign: true, cRLSign: true)
    ) throws {
        let signingKey = P256.Signing.PrivateKey()
        let key = Certificate.PrivateKey(signingKey)
        let subject = try DistinguishedName { CommonName(name) }
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Self.epoch, notValidAfter: Self.epoch.addingTimeInterval(20 * 365 * 86_400),
            issuer: issuer?.certificate.subject ?? subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                if isAuthority {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: maxPathLength))
                } else {
                    Critical(BasicConstraints.notCertificateAuthority)
                }
                Critical(keyUsage)
            },
            issuerPrivateKey: issuer?.key ?? key)
        self.key = key
        self.signingKey = signingKey
    }

    /// DER of a version 1 revocation list (RFC 5280, section 5.1) over serial numbers.
    public func revocationList(_ serialNumbers: [[UInt8]]) throws -> [UInt8] {
        try revocationList(of: serialNumbers.map { RevocationListWriter.Entry($0) })
    }

    public func revocationList(of entries: [RevocationListWriter.Entry]) throws -> [UInt8] {
        try RevocationListWriter.der(entries, issuer: certificate.subject, key: signingKey)
    }

    /// DER of an EK certificate over a SubjectPublicKeyInfo.
    public func issue(spki: [UInt8], _ profile: Profile = Profile()) throws -> [UInt8] {
        var extensions: [Certificate.Extension] = []
        if let isAuthority = profile.isAuthority {
            let value: BasicConstraints =
                isAuthority ? .isCertificateAuthority(maxPathLength: nil) : .notCertificateAuthority
            extensions.append(try Certificate.Extension(value, critical: true))
        }
        if let usage = profile.keyUsage { extensions.append(try Certificate.Extension(usage, critical: true)) }
        if let usages = profile.usages {
            let value = try ExtendedKeyUsage(usages.map { ExtendedKeyUsage.Usage(oid: $0) })
            extensions.append(try Certificate.Extension(value, critical: false))
        }
        var names = profile.alternativeNames
        if let manufacturer = profile.manufacturer {
            names.append(
                .directoryName(
                    try DistinguishedName([
                        .init(type: [2, 23, 133, 2, 1], utf8String: manufacturer),
                        .init(type: [2, 23, 133, 2, 2], utf8String: "swtpm"),
                        .init(type: [2, 23, 133, 2, 3], utf8String: "id:20191023"),
                    ])))
        }
        if !names.isEmpty {
            extensions.append(
                try Certificate.Extension(
                    SubjectAlternativeNames(names), critical: profile.isAlternativeNameCritical))
        }
        let issued = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(derEncoded: spki),
            notValidBefore: profile.notBefore, notValidAfter: profile.notAfter, issuer: certificate.subject,
            subject: profile.subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions(extensions + profile.extra), issuerPrivateKey: key)
        return try Self.der(issued)
    }

    public var der: [UInt8] { get throws { try Self.der(certificate) } }

    public static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}
