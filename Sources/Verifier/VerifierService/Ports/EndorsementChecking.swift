package import TPMCryptography

/// Decides how far an EK is vouched for by the certificates that came with it.
package protocol EndorsementChecking: Sendable {
    /// - Parameters:
    ///   - certificates: DER, the EK's own first. Empty where the TPM holds none: then nothing is certified, which is no
    ///     refusal (the manifest or an operator may vouch).
    ///   - now: milliseconds since 1970.
    /// - Throws: ``ServiceError`` of kind `invalid` with `ID_EK_CERT_KEY`, `ID_EK_CHAIN`, `ID_EK_CERT_PROFILE`,
    ///   `ID_TPM_BLOCKED`, `ID_EK_CERT_EXPIRED`, `ID_EK_CERT_PARSE` or `ID_KEY_ROCA`.
    func check(_ key: EndorsementKey, certificates: [[UInt8]], now: Int64) throws -> EKEndorsement
}

/// What the EK's certificate says, once it was checked.
package struct EKEndorsement: Hashable, Sendable {
    package var isCertified: Bool
    /// RFC 4514 text.
    package var issuer: String?
    /// Lower-case hexadecimal.
    package var serialNumber: String?
    package var manufacturer: String?
    package var model: String?
    package var firmware: String?

    package init(
        isCertified: Bool, issuer: String? = nil, serialNumber: String? = nil, manufacturer: String? = nil,
        model: String? = nil, firmware: String? = nil
    ) {
        self.isCertified = isCertified
        self.issuer = issuer
        self.serialNumber = serialNumber
        self.manufacturer = manufacturer
        self.model = model
        self.firmware = firmware
    }
}
