package import Endorsements
package import TPMCryptography

/// Checks EK certificates against the operator's TPM manufacturer roots.
package struct EKCertificateChecking: EndorsementChecking {
    private let roots: [EKCertificate]
    private let intermediates: [EKCertificate]
    private let denyList: TPMDenyList
    private let revocationLists: [OpenSSLRevocationList]
    private let checksDates: Bool
    private let acceptsSHA1: Bool

    /// - Parameters:
    ///   - roots: empty refuses every certificate (`ID_EK_CHAIN`).
    ///   - checksDates: whether certificates below the roots must be valid now (ID-13).
    ///   - acceptsSHA1: whether SHA-1 signatures may stand in a chain.
    package init(
        roots: [EKCertificate], intermediates: [EKCertificate], denyList: TPMDenyList,
        revocationLists: [OpenSSLRevocationList], checksDates: Bool, acceptsSHA1: Bool
    ) {
        self.roots = roots
        self.intermediates = intermediates
        self.denyList = denyList
        self.revocationLists = revocationLists
        self.checksDates = checksDates
        self.acceptsSHA1 = acceptsSHA1
    }

    package func check(_ key: EndorsementKey, certificates: [[UInt8]], now: Int64) throws -> EKEndorsement {
        guard !certificates.isEmpty else { return EKEndorsement(isCertified: false) }
        let parsed: [EKCertificate]
        do {
            parsed = try certificates.map { try EKCertificate(nvContent: $0) }
        } catch { throw ServiceError(.invalid, "ID_EK_CERT_PARSE", "\(error)") }
        let policy = EKCertificatePolicy(
            roots: roots, intermediates: intermediates, denyList: denyList, revocationLists: revocationLists,
            validity: checksDates ? .mustHold(at: now / 1000) : .ignored, acceptsSHA1: acceptsSHA1)
        do throws(EndorsementRefusal) {
            let endorsed = try policy.endorse(
                key, certificate: parsed[0], sentIssuers: Array(parsed.dropFirst()))
            let tpm = endorsed.certificate.tpm
            return EKEndorsement(
                isCertified: true, issuer: endorsed.certificate.issuer,
                serialNumber: endorsed.certificate.serialNumber, manufacturer: tpm?.manufacturer,
                model: tpm?.model, firmware: tpm?.version)
        } catch {
            throw ServiceError(.invalid, error.codes.first ?? "ID_EK_CHAIN", error.description)
        }
    }
}
