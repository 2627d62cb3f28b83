package import Crypto
internal import SwiftASN1
package import X509

/// DER and PEM of certificates and keys, both ways.
package enum CertificateEncoding {
    package static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    package static func pem(_ certificates: [Certificate]) throws -> String {
        try certificates.map { try $0.serializeAsPEM().pemString + "\n" }.joined()
    }

    /// All certificates of a PEM file, in order; at least one.
    /// - Throws: for text without a certificate and for any block that is not a well-formed certificate.
    package static func certificates(pem text: String) throws -> [Certificate] {
        let documents = try PEMDocument.parseMultiple(pemString: text)
        guard !documents.isEmpty else { throw CertificateAuthorityError.notAnAuthority }
        return try documents.map { try Certificate(pemDocument: $0) }
    }

    package static func spki(_ key: Certificate.PublicKey) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(key)
        return serializer.serializedBytes
    }

    /// - Throws: for anything but a P-256 SubjectPublicKeyInfo.
    package static func p256(spki: [UInt8]) throws -> P256.Signing.PublicKey {
        try P256.Signing.PublicKey(derRepresentation: spki)
    }
}
