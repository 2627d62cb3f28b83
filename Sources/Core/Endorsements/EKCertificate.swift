public import ByteParsing
internal import SwiftASN1
public import TPMCryptography

/// A certificate of an endorsement key, or one of the CA certificates above it: parsed, not trusted.
///
/// Guarantees: strict DER, one certificate, no bytes left over, at most ``maxNames`` names. The bytes are checked as DER
/// by swift-asn1 before libcrypto reads the fields: swift-certificates takes neither keys under id-RSAES-OAEP nor RSA-PSS
/// signatures, which real EK certificates have, and two readers of one certificate could disagree.
/// No address in a certificate (AIA, CRL, OCSP) is ever looked at, so none is ever fetched.
public struct EKCertificate: Hashable, Sendable {
    /// Most names and name attributes in one certificate; real ones have under 10.
    public static let maxNames = 64

    let fields: OpenSSLCertificate
    let usage: CertificateUsage
    /// The TPM as its manufacturer named it in the subject alternative name; nil where it says nothing.
    public let tpm: TPMIdentification?
    /// RFC 4514 text, for people.
    public let issuer: String
    public let subject: String
    /// Nil for a key of a kind that this product does not use.
    public let publicKey: SubjectPublicKey?

    public var der: [UInt8] { fields.der }
    /// Lower-case hexadecimal.
    public var serialNumber: String { Hex.encode(fields.serialNumber) }
    /// Seconds since 1970-01-01T00:00:00Z; 9999-12-31T23:59:59Z means "no end" (RFC 5280, section 4.1.2.5).
    public var notBefore: Int64 { fields.notBefore }
    public var notAfter: Int64 { fields.notAfter }
    public var subjectPublicKeyInfo: [UInt8] { fields.subjectPublicKeyInfo }

    /// - Throws: ``ParsingError``: the reason code is `ID_EK_CERT_PARSE`.
    public init(der bytes: [UInt8]) throws(ParsingError) {
        guard bytes.count <= OpenSSLCertificate.maxSize else {
            throw ParsingError(
                field: "Certificate", offset: 0,
                problem: .outOfRange(value: UInt64(bytes.count), limit: UInt64(OpenSSLCertificate.maxSize)))
        }
        // First, so that a cut or a trailing byte is named with its offset.
        let size = try Self.declaredSize(bytes)
        guard size == bytes.count else {
            throw ParsingError(field: "Certificate", offset: size, problem: .trailingBytes(count: bytes.count - size))
        }
        do { _ = try SwiftASN1.DER.parse(bytes) } catch {
            throw ParsingError(field: "Certificate", offset: 0, problem: .malformed("not DER: \(error)"))
        }
        let fields = try OpenSSLCertificate(der: bytes)
        self.fields = fields
        do {
            let issuerName = try CertificateName(SwiftASN1.DER.parse(fields.issuer))
            let subjectName = try CertificateName(SwiftASN1.DER.parse(fields.subject))
            issuer = issuerName.text
            subject = subjectName.text
            usage = try CertificateUsage(fields)
            tpm = TPMIdentification(usage.directoryNames)
            let names = issuerName.attributes.count + subjectName.attributes.count + usage.nameCount
            guard names <= Self.maxNames else {
                throw ParsingError(
                    field: "Certificate", offset: 0,
                    problem: .outOfRange(value: UInt64(names), limit: UInt64(Self.maxNames)))
            }
        } catch let error as ParsingError {
            throw error
        } catch {
            throw ParsingError(field: "Certificate", offset: 0, problem: .malformed("\(error)"))
        }
        publicKey = try? SubjectPublicKey(spki: fields.subjectPublicKeyInfo)
    }

    /// Reads the content of an NV index: the certificate, then nothing but 0x00 or nothing but 0xFF, which is how
    /// manufacturers fill an index that is larger than the certificate.
    public init(nvContent bytes: [UInt8]) throws(ParsingError) {
        let size = try Self.declaredSize(bytes)
        let padding = bytes[size...]
        guard padding.allSatisfy({ $0 == 0 }) || padding.allSatisfy({ $0 == 0xFF }) else {
            throw ParsingError(field: "Certificate", offset: size, problem: .trailingBytes(count: padding.count))
        }
        try self.init(der: Array(bytes[..<size]))
    }

    /// Reads every `CERTIFICATE` block of a PEM text.
    public static func certificates(pem text: String) throws(ParsingError) -> [EKCertificate] {
        var list: [EKCertificate] = []
        for block in try PEM.blocks(text, label: "CERTIFICATE") { list.append(try EKCertificate(der: block)) }
        return list
    }

    var isSelfIssued: Bool { fields.issuer == fields.subject }

    private static func declaredSize(_ bytes: [UInt8]) throws(ParsingError) -> Int {
        var reader = ByteReader(bytes.span)
        let tag = try reader.readUInt8("Certificate")
        guard tag == 0x30 else { throw reader.error("Certificate", back: 1, .unknownValue(UInt64(tag))) }
        let first = try reader.readUInt8("Certificate.length")
        var length = Int(first)
        if first >= 0x80 {
            guard first == 0x81 || first == 0x82 else {
                throw reader.error("Certificate.length", back: 1, .unknownValue(UInt64(first)))
            }
            length = 0
            for _ in 0..<Int(first & 0x7F) { length = length << 8 | Int(try reader.readUInt8("Certificate.length")) }
        }
        let start = reader.offset
        try reader.skip(length, "Certificate")
        return start + length
    }
}

/// Manufacturer, model and firmware version as the EK credential profile has them (TCG EK Credential Profile,
/// section 3.2.9: attributes 2.23.133.2.1 to .3 of a directoryName).
public struct TPMIdentification: Hashable, Sendable {
    /// `id:` and the vendor's four letters in hexadecimal (`id:53544D20`), as in the TCG vendor registry.
    public let manufacturer: String
    public let model: String
    /// Firmware version.
    public let version: String

    public init(manufacturer: String, model: String, version: String) {
        self.manufacturer = manufacturer
        self.model = model
        self.version = version
    }

    /// - Returns: nil unless one directory name holds all three.
    init?(_ names: [CertificateName]) {
        for name in names {
            var values: [ASN1ObjectIdentifier: String] = [:]
            for attribute in name.attributes { values[attribute.type] = attribute.value }
            if let manufacturer = values[[2, 23, 133, 2, 1]], let model = values[[2, 23, 133, 2, 2]],
                let version = values[[2, 23, 133, 2, 3]]
            {
                self.init(manufacturer: manufacturer, model: model, version: version)
                return
            }
        }
        return nil
    }
}
