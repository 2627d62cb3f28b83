package import AttestationMessages

/// Issues the certificate by which a node is recognised; implemented by Admission.
package protocol IdentityCertificateIssuer: Sendable {
    /// - Parameter spki: DER SubjectPublicKeyInfo of the node key; P-256 only.
    /// - Returns: DER, the node's own first, then its issuers. The URI SAN is `bootgate://node/<id>`, the life 90 days.
    func identityCertificate(node: NodeID, spki: [UInt8], nowMilliseconds: Int64) throws -> [[UInt8]]
}

/// Issues operators' and consumers' certificates from their requests; implemented by Admission.
package protocol OperatorCertificateIssuer: Sendable {
    /// - Parameter certificateRequest: DER PKCS#10; its self-signature is checked, its names are ignored.
    /// - Throws: ``ServiceError`` of kind `invalid` (`OPERATOR_CSR`) for a request that does not verify.
    func operatorCertificate(name: String, certificateRequest: [UInt8], nowMilliseconds: Int64) throws
        -> IssuedOperatorCertificate
}

package struct IssuedOperatorCertificate: Hashable, Sendable {
    /// DER, own first, then its issuers. The URI SAN is `bootgate://operator/<name>`.
    package var certificates: [[UInt8]]
    /// Hex of SHA-256 over the certificate's SPKI.
    package var keySHA256: String
    package init(certificates: [[UInt8]], keySHA256: String) {
        self.certificates = certificates
        self.keySHA256 = keySHA256
    }
}
