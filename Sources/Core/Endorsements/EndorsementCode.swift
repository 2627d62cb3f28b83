public import TPMCryptography

/// Why an endorsement was refused (catalogue ID-08 to ID-16).
public typealias EndorsementRefusal = Refusal<EndorsementCode>

public enum EndorsementCode: String, Hashable, Sendable, CaseIterable {
    /// The certificate is for another key.
    case key = "ID_EK_CERT_KEY"
    /// No chain to one of the operator's roots.
    case chain = "ID_EK_CHAIN"
    /// A certificate of the chain breaks RFC 5280 or the EK credential profile.
    case profile = "ID_EK_CERT_PROFILE"
    /// Deny-listed or revoked.
    case blocked = "ID_TPM_BLOCKED"
    case expired = "ID_EK_CERT_EXPIRED"
    /// The bytes are no certificate.
    case parse = "ID_EK_CERT_PARSE"
    case roca = "ID_KEY_ROCA"
}
