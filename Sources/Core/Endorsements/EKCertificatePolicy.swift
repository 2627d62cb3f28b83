public import TPMCryptography

/// What the operator trusts and refuses. Every member is stated: nothing here has a lenient default.
public struct EKCertificatePolicy: Sendable {
    /// How the dates of the EK certificate and its issuers count. Roots are trusted by decision, whatever their dates.
    public enum Validity: Hashable, Sendable {
        /// Seconds since 1970-01-01T00:00:00Z at which all certificates below the root must be valid.
        case mustHold(at: Int64)
        /// Many EK certificates outlive their issuers; some operators do not look at the dates.
        case ignored
    }

    /// The operator's TPM manufacturer roots.
    public let roots: [EKCertificate]
    /// CA certificates that may stand between; those sent with the evidence come in addition and are trusted no more.
    public let intermediates: [EKCertificate]
    public let denyList: TPMDenyList
    public let revocationLists: [OpenSSLRevocationList]
    public let validity: Validity
    /// Whether a SHA-1 signature may stand in the chain: some manufacturers issued with it until about 2015.
    public let acceptsSHA1: Bool

    public init(
        roots: [EKCertificate], intermediates: [EKCertificate], denyList: TPMDenyList,
        revocationLists: [OpenSSLRevocationList], validity: Validity, acceptsSHA1: Bool
    ) {
        self.roots = roots
        self.intermediates = intermediates
        self.denyList = denyList
        self.revocationLists = revocationLists
        self.validity = validity
        self.acceptsSHA1 = acceptsSHA1
    }
}
