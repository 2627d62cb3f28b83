package import AttestationMessages
internal import ByteParsing
internal import Crypto
internal import SwiftASN1
package import VerifierService
internal import X509

/// Issues identity certificates of nodes and client certificates of operators from their CAs.
package struct CertificateIssuer: IdentityCertificateIssuer, OperatorCertificateIssuer {
    private let identity: CertificateAuthority
    private let operators: CertificateAuthority

    package init(identity: CertificateAuthority, operators: CertificateAuthority) {
        self.identity = identity
        self.operators = operators
    }

    package func identityCertificate(node: NodeID, spki: [UInt8], nowMilliseconds: Int64) throws -> [[UInt8]] {
        let key = try CertificateEncoding.p256(spki: spki)
        return try identity.path(
            to: identity.issue(
                .identity(node, Certificate.PublicKey(key), nowMilliseconds: nowMilliseconds)))
    }

    package func operatorCertificate(name: String, certificateRequest: [UInt8], nowMilliseconds: Int64) throws
        -> IssuedOperatorCertificate
    {
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(derEncoded: certificateRequest)
        } catch {
            throw ServiceError(.invalid, "OPERATOR_CSR", "the certificate request is not PKCS#10 in DER form")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw ServiceError(.invalid, "OPERATOR_CSR", "the certificate request is not signed by its own key")
        }
        guard Self.isStrong(request.publicKey) else {
            throw ServiceError(.invalid, "OPERATOR_CSR", "an operator's key is P-256 or P-384")
        }
        let certificate = try operators.issue(
            .operatorKey(name, request.publicKey, nowMilliseconds: nowMilliseconds))
        return IssuedOperatorCertificate(
            certificates: try operators.path(to: certificate),
            keySHA256: Hex.encode(SHA256.hash(data: try CertificateEncoding.spki(request.publicKey))))
    }

    private static func isStrong(_ key: Certificate.PublicKey) -> Bool {
        P256.Signing.PublicKey(key) != nil || P384.Signing.PublicKey(key) != nil
    }
}
