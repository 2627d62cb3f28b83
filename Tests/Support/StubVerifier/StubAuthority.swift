public import Crypto
public import Foundation
import SwiftASN1
public import X509

/// A certificate authority made for one test.
public struct StubAuthority: Sendable {
    public let key: Certificate.PrivateKey
    public let signingKey = P256.Signing.PrivateKey()
    public let certificate: Certificate

    public init(commonName: String = "Stub CA") throws {
        let key = Certificate.PrivateKey(signingKey)
        let name = try DistinguishedName { CommonName(commonName) }
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: 0), notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }, issuerPrivateKey: key)
        self.key = key
    }

    /// A certificate of this authority for a key.
    public func issue(
        _ publicKey: Certificate.PublicKey, names: [GeneralName], notBefore: Date? = nil, notAfter: Date? = nil
    ) throws -> Certificate {
        let now = Date()
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: notBefore ?? now.addingTimeInterval(-3600),
            notValidAfter: notAfter ?? now.addingTimeInterval(86_400), issuer: certificate.subject,
            subject: try DistinguishedName { CommonName("stub") }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                SubjectAlternativeNames(names)
            }, issuerPrivateKey: key)
    }

    public static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    public static func pem(_ certificate: Certificate) throws -> String {
        PEMDocument(type: "CERTIFICATE", derBytes: try der(certificate)).pemString + "\n"
    }
}
