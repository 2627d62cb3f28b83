internal import AttestationMessages
internal import SIEMForwarding
internal import VerifierAPI
internal import VerifierService

/// Everything `run` needs to know, read and checked.
struct VerifierConfiguration {
    var data: DataDirectory
    var servers: ServerSettings
    /// Nil: the certificate that `init` made.
    var serverCertificateFile: String?
    var serverKeyFile: String?
    /// PEM files of external CAs, in addition to our own.
    var nodeRootFiles: [String]
    var operatorRootFiles: [String]
    /// PEM files of revocation lists that those CAs signed.
    var revocationListFiles: [String]
    var endorsements: EndorsementSettings
    var destinations: [SIEMDestination]
    /// Bytes of undelivered events beyond which the quieter ones are folded (SO-05).
    var outboxCap: Int
    var defaultGroup: GroupSettings?
    var referenceSignatures: ReferenceSignatureRule
    var logLevel: String
}

struct EndorsementSettings {
    /// PEM files of TPM manufacturers' roots (`*.pem`).
    var rootsDirectory: String?
    /// Refuse EKs without a certificate, even where the manifest vouches.
    var requiresCertificate: Bool
    /// Whether the dates of EK certificates and their issuers count.
    var checksDates: Bool
    var acceptsSHA1: Bool
    var denied: [DeniedTPM]

    struct DeniedTPM {
        var manufacturer: String?
        var model: String?
        var firmware: String?
        var issuer: String?
        var reason: String
    }
}

/// All problems of a configuration at once; exit 78.
struct ConfigurationProblems: Error, CustomStringConvertible {
    var problems: [String]
    var description: String { problems.joined(separator: "\n") }
}
