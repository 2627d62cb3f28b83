internal import Endorsements
internal import TPMCryptography

/// What operators' CAs say of certificates that they no longer stand for, and which signatures are void by it (decision 0024).
package struct SignerRevocations: Hashable, Sendable {
    private var revoked: [IssuedCertificate.Identity: OpenSSLRevocationList.Revocation] = [:]

    /// - Parameters:
    ///   - lists: One that none of the roots signed is about other certificates, and says nothing here.
    ///   - roots: DER.
    init(_ lists: [OpenSSLRevocationList], signedBy roots: [[UInt8]]) {
        let roots = roots.compactMap { try? OpenSSLCertificate(der: $0) }
        for list in lists {
            let isBelieved = roots.contains { root in
                root.subject == list.issuer && list.isSigned(byKey: root.subjectPublicKeyInfo)
            }
            guard isBelieved else { continue }
            for (serial, revocation) in list.revocations {
                revoked[.init(issuer: list.issuer, serialNumber: serial)] = revocation
            }
        }
    }

    /// Why a signature that was made at this second counts for nothing; nil where it does.
    ///
    /// Whoever left, or got another certificate, signed rightly before: such a revocation voids what was made from its date on. A
    /// compromised key voids everything, whenever it was made: the time of a signature is the store's word, not the signature's.
    func reason(against certificate: IssuedCertificate, at second: Int64) -> String? {
        for identity in certificate.issued {
            guard let revocation = revoked[identity] else { continue }
            if revocation.isCompromise { return "the signer's certificate is revoked: its key was compromised" }
            if revocation.start <= second { return "the signer's certificate was revoked when the signature was made" }
        }
        return nil
    }
}
