package import AttestationMessages
package import X509

/// What a leaf certificate says; one factory for each kind that Bootgate issues.
package struct LeafProfile: Sendable {
    package var commonName: String
    package var publicKey: Certificate.PublicKey
    package var alternativeNames: [GeneralName]
    package var usage: ExtendedKeyUsage.Usage
    package var notBeforeMilliseconds: Int64
    package var notAfterMilliseconds: Int64

    /// 90 days, client authentication, URI SAN `bootgate://node/<id>`.
    package static func identity(_ node: NodeID, _ key: Certificate.PublicKey, nowMilliseconds now: Int64) -> Self {
        LeafProfile(
            commonName: node.rawValue, publicKey: key,
            alternativeNames: [.uniformResourceIdentifier("bootgate://node/\(node.rawValue)")],
            usage: .clientAuth, notBeforeMilliseconds: now - CertificateLife.backdating,
            notAfterMilliseconds: now + CertificateLife.identity)
    }

    /// The boot key's certificate: same URI SAN, another CA, life ends with the evidence's age or after an hour. Not
    /// backdated: its whole life is at most an hour.
    package static func admission(
        _ node: NodeID, _ key: Certificate.PublicKey, evidenceAgeEndsMilliseconds: Int64, nowMilliseconds now: Int64
    ) -> Self {
        let (longest, overflow) = now.addingReportingOverflow(CertificateLife.longestAdmission)
        return LeafProfile(
            commonName: node.rawValue, publicKey: key,
            alternativeNames: [.uniformResourceIdentifier("bootgate://node/\(node.rawValue)")],
            usage: .clientAuth, notBeforeMilliseconds: now,
            notAfterMilliseconds: min(evidenceAgeEndsMilliseconds, overflow ? now : longest))
    }

    /// A year, client authentication, URI SAN `bootgate://operator/<name>`.
    package static func operatorKey(_ name: String, _ key: Certificate.PublicKey, nowMilliseconds now: Int64) -> Self {
        LeafProfile(
            commonName: name, publicKey: key,
            alternativeNames: [.uniformResourceIdentifier("bootgate://operator/\(name)")],
            usage: .clientAuth, notBeforeMilliseconds: now - CertificateLife.backdating,
            notAfterMilliseconds: now + CertificateLife.operatorKey)
    }

    /// 398 days, server authentication, the listener's names and addresses.
    package static func server(
        _ names: [ServerName], _ key: Certificate.PublicKey, nowMilliseconds now: Int64
    ) -> Self {
        LeafProfile(
            commonName: names.first?.text ?? "bootgate-verifier", publicKey: key,
            alternativeNames: names.map(\.generalName), usage: .serverAuth,
            notBeforeMilliseconds: now - CertificateLife.backdating, notAfterMilliseconds: now + CertificateLife.server)
    }
}
