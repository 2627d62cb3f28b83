internal import Endorsements
internal import Synchronization
internal import TPMCryptography
internal import VerifierService

/// The check of EK certificates with the operator's settings; its roots can be read again while it runs.
final class EndorsementChecker: EndorsementChecking {
    private let settings: EndorsementSettings
    private let current: Mutex<EKCertificateChecking>

    init(_ settings: EndorsementSettings) throws {
        self.settings = settings
        current = Mutex(try Self.checking(settings))
    }

    /// Throws without a change when a file is not sound (AV-09).
    func reload() throws {
        let fresh = try Self.checking(settings)
        current.withLock { $0 = fresh }
    }

    func check(_ key: EndorsementKey, certificates: [[UInt8]], now: Int64) throws -> EKEndorsement {
        guard !certificates.isEmpty || !settings.requiresCertificate else {
            throw ServiceError(.invalid, EndorsementCode.chain.rawValue, "the TPM showed no EK certificate")
        }
        return try current.withLock { $0 }.check(key, certificates: certificates, now: now)
    }

    private static func checking(_ settings: EndorsementSettings) throws -> EKCertificateChecking {
        EKCertificateChecking(
            roots: try roots(settings), intermediates: [],
            denyList: TPMDenyList(
                settings.denied.compactMap {
                    TPMDenyList.Entry(
                        issuer: $0.issuer, manufacturer: $0.manufacturer, model: $0.model, firmware: $0.firmware,
                        reason: $0.reason)
                }),
            revocationLists: [], checksDates: settings.checksDates, acceptsSHA1: settings.acceptsSHA1)
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
}
