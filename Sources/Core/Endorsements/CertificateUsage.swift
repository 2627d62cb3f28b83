internal import ByteParsing
internal import SwiftASN1
internal import TPMCryptography
internal import X509

/// What the extensions say that path building and the EK profile need.
struct CertificateUsage: Hashable, Sendable {
    enum Authority: Hashable, Sendable {
        case no
        case yes(maxPathLength: Int?)
    }

    /// Nil without basicConstraints.
    let authority: Authority?
    /// Nil without keyUsage.
    let keyUsage: KeyUsageBits?
    let isEndorsementKeyUsage: Bool
    let hasExtendedKeyUsage: Bool
    let directoryNames: [CertificateName]
    let nameCount: Int
    let isAlternativeNameCritical: Bool
    /// Critical extensions that nobody here understands, dotted decimal. NameConstraints is one: an issuer that uses it
    /// is refused rather than half understood.
    let unknownCritical: [String]

    /// tcg-kp-EKCertificate (TCG EK Credential Profile, section 3.2.16).
    static let endorsementKeyUsage: ASN1ObjectIdentifier = [2, 23, 133, 8, 1]
    private static let understood: Set<String> = [
        "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.32", "2.5.29.35", "2.5.29.37",
    ]

    init(_ fields: OpenSSLCertificate) throws {
        var authority: Authority?
        var keyUsage: KeyUsageBits?
        var usages: ExtendedKeyUsage?
        var directoryNames: [CertificateName] = []
        var nameCount = 0
        var isAlternativeNameCritical = false
        for entry in fields.extensions {
            let value = Certificate.Extension(
                oid: try ASN1ObjectIdentifier(dotRepresentation: entry.identifier), critical: entry.isCritical,
                value: entry.value[...])
            switch entry.identifier {
            case "2.5.29.19":
                switch try BasicConstraints(value) {
                case .isCertificateAuthority(let length): authority = .yes(maxPathLength: length)
                case .notCertificateAuthority: authority = .no
                }
            case "2.5.29.15": keyUsage = try KeyUsageBits(entry.value)
            case "2.5.29.37": usages = try ExtendedKeyUsage(value)
            case "2.5.29.17":
                isAlternativeNameCritical = entry.isCritical
                let names = try AlternativeNames(entry.value)
                directoryNames = names.directoryNames
                nameCount = names.count
            default: continue
            }
        }
        self.authority = authority
        self.keyUsage = keyUsage
        hasExtendedKeyUsage = usages != nil
        isEndorsementKeyUsage = usages?.contains(ExtendedKeyUsage.Usage(oid: Self.endorsementKeyUsage)) ?? false
        self.directoryNames = directoryNames
        self.nameCount = nameCount
        self.isAlternativeNameCritical = isAlternativeNameCritical
        unknownCritical = fields.extensions.filter { $0.isCritical && !Self.understood.contains($0.identifier) }
            .map(\.identifier)
    }
}

/// The bits of keyUsage (RFC 5280, section 4.2.1.3).
///
/// Read here and not by swift-certificates, because several manufacturers (Google, STMicroelectronics and others in the
/// corpus) write trailing zero bits that DER leaves out; a bit's meaning is the same either way.
struct KeyUsageBits: Hashable, Sendable {
    private let bits: UInt16

    var keyEncipherment: Bool { isSet(2) }
    var keyAgreement: Bool { isSet(4) }
    var keyCertSign: Bool { isSet(5) }

    /// - Parameter value: DER BIT STRING of one or two octets.
    init(_ value: [UInt8]) throws(ParsingError) {
        guard (4...5).contains(value.count), value[0] == 0x03, Int(value[1]) == value.count - 2, value[2] < 8 else {
            throw ParsingError(field: "KeyUsage", offset: 0, problem: .malformed("not a BIT STRING of 1 or 2 octets"))
        }
        bits = UInt16(value[3]) << 8 | (value.count == 5 ? UInt16(value[4]) : 0)
    }

    private func isSet(_ bit: UInt16) -> Bool { bits & (0x8000 >> bit) != 0 }
}
