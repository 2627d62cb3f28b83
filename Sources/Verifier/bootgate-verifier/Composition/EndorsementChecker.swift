internal import Endorsements
internal import Synchronization
internal import TPMCryptography
internal import VerifierService

/// The Endorsements room behind the verifier's port, with the operator's settings.
final class EndorsementChecker: EndorsementChecking {
    private let settings: EndorsementSettings
    private let roots: Mutex<[EKCertificate]>
    private let denyList: TPMDenyList

    init(_ settings: EndorsementSettings) throws {
        self.settings = settings
        roots = Mutex(try Self.roots(settings))
        denyList = TPMDenyList(
            settings.denied.compactMap {
                TPMDenyList.Entry(
                    issuer: $0.issuer, manufacturer: $0.manufacturer, model: $0.model, firmware: $0.firmware,
                    reason: $0.reason)
            })
    }

    /// Reads the roots again; throws without a change when a file is not sound (AV-09).
    func reload() throws {
        let fresh = try Self.roots(settings)
        roots.withLock { $0 = fresh }
    }

    private static func roots(_ settings: EndorsementSettings) throws -> [EKCertificate] {
        guard let directory = settings.rootsDirectory else { return [] }
        return try FileAccess.names(in: directory, suffix: ".pem").flatMap { name in
            let path = "\(directory)/\(name)"
            do {
                return try EKCertificate.certificates(pem: FileAccess.text(path))
            } catch {
                throw FileProblem(path: path, reason: "\(error)")
            }
        }
    }

    func check(_ key: EndorsementKey, certificates: [[UInt8]], now: Int64) throws -> EKEndorsement {
        guard let own = certificates.first else {
            guard !settings.requiresCertificate else {
                throw ServiceError(.invalid, EndorsementCode.chain.rawValue, "the TPM showed no EK certificate")
            }
            return EKEndorsement(isCertified: false)
        }
        let policy = EKCertificatePolicy(
            roots: roots.withLock { $0 }, intermediates: [], denyList: denyList, revocationLists: [],
            validity: settings.checksDates ? .mustHold(at: now / 1000) : .ignored, acceptsSHA1: settings.acceptsSHA1)
        let certificate: EKCertificate
        let issuers: [EKCertificate]
        do {
            certificate = try EKCertificate(nvContent: own)
            issuers = try certificates.dropFirst().map { try EKCertificate(nvContent: $0) }
        } catch {
            throw ServiceError(.invalid, EndorsementCode.parse.rawValue, "\(error)")
        }
        do {
            _ = try policy.endorse(key, certificate: certificate, sentIssuers: issuers)
        } catch {
            throw ServiceError(
                .invalid, error.reasons.first?.code.rawValue ?? EndorsementCode.chain.rawValue, "\(error)")
        }
        return EKEndorsement(
            isCertified: true, issuer: certificate.issuer, serialNumber: certificate.serialNumber,
            manufacturer: certificate.tpm?.manufacturer, model: certificate.tpm?.model,
            firmware: certificate.tpm?.version)
    }
}
