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
    let keyUsage: KeyUsage?
    let isEndorsementKeyUsage: Bool
    let hasExtendedKeyUsage: Bool
    let directoryNames: [DistinguishedName]
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
        var keyUsage: KeyUsage?
        var usages: ExtendedKeyUsage?
        var directoryNames: [DistinguishedName] = []
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
            case "2.5.29.15": keyUsage = try KeyUsage(value)
            case "2.5.29.37": usages = try ExtendedKeyUsage(value)
            case "2.5.29.17":
                isAlternativeNameCritical = entry.isCritical
                for name in try SubjectAlternativeNames(value) {
                    nameCount += 1
                    guard case .directoryName(let directory) = name else { continue }
                    directoryNames.append(directory)
                    nameCount += directory.count
                }
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
