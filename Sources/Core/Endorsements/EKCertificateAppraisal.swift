internal import ByteParsing
public import TPMCryptography

/// Everything that was found about one EK certificate, for `inspect` and for the decision alike.
public struct EKCertificateReport: Sendable {
    public enum Chain: String, Hashable, Sendable {
        case valid, invalid
        /// No roots were given to check against.
        case unchecked
    }

    public let certificate: EKCertificate
    public let chain: Chain
    /// Subjects from the EK certificate's issuer to the root; empty where none was found.
    public let issuers: [String]
    public let findings: [EndorsementRefusal.Reason]
}

extension EKCertificatePolicy {
    /// Checks profile, key, chain, dates, deny list and revocation, and reports everything. With no roots the chain is
    /// ``EKCertificateReport/Chain/unchecked``, which is no pass: see ``endorse(_:certificate:sentIssuers:)``.
    ///
    /// - Parameter sentIssuers: CA certificates that came with the evidence.
    public func inspect(_ certificate: EKCertificate, sentIssuers: [EKCertificate]) -> EKCertificateReport {
        var findings = Self.profileFindings(certificate)
        var chain = EKCertificateReport.Chain.unchecked
        var path = [certificate]
        if !roots.isEmpty {
            // The client's certificates are tried last and are bounded, so that they cannot crowd out the operator's.
            var builder = CertificatePathBuilder(
                roots: roots, intermediates: intermediates + sentIssuers.prefix(CertificatePathBuilder.maxLength))
            if let found = builder.build(from: certificate) {
                path = found.path
                chain = found.problems.isEmpty ? .valid : .invalid
                findings += found.problems.map { .init(.profile, $0) }
            } else {
                chain = .invalid
                findings.append(.init(.chain, "no chain from \(certificate.issuer) to a trusted root"))
            }
        }
        findings += dateAndSignatureFindings(path, reachedRoot: path.count > 1)
        findings += blockFindings(path)
        return EKCertificateReport(
            certificate: certificate, chain: chain, issuers: path.dropFirst().map(\.subject), findings: findings)
    }

    /// The only way to an ``EndorsedEK``.
    ///
    /// - Throws: every reason that was found; `ID_EK_CHAIN` also when no roots are configured.
    public func endorse(
        _ key: EndorsementKey, certificate: EKCertificate, sentIssuers: [EKCertificate]
    ) throws(EndorsementRefusal) -> EndorsedEK {
        let report = inspect(certificate, sentIssuers: sentIssuers)
        var reasons = report.findings
        if certificate.publicKey != key.publicKey {
            reasons.append(.init(.key, "the certificate is for another key than the sent public area"))
        }
        if report.chain == .unchecked { reasons.append(.init(.chain, "no manufacturer roots are configured")) }
        if let refusal = Refusal(reasons) { throw refusal }
        return EndorsedEK(key: key, certificate: certificate, issuers: report.issuers, trust: .certified)
    }

    /// TCG EK Credential Profile, section 3.2, and RFC 5280, section 4.2.1.6.
    private static func profileFindings(_ certificate: EKCertificate) -> [EndorsementRefusal.Reason] {
        var findings: [EndorsementRefusal.Reason] = []
        let usage = certificate.usage
        func broken(_ detail: String) { findings.append(.init(.profile, detail)) }
        if certificate.fields.version != 3 { broken("version \(certificate.fields.version)") }
        if case .yes = usage.authority { broken("the certificate is a CA's") }
        if usage.hasExtendedKeyUsage {
            if !usage.isEndorsementKeyUsage { broken("extended key usage without tcg-kp-EKCertificate") }
        } else {
            broken("no extended key usage")
        }
        if certificate.tpm == nil { broken("no TPM manufacturer, model and version in the alternative name") }
        if certificate.subject.isEmpty, !usage.isAlternativeNameCritical {
            broken("an empty subject with an alternative name that is not critical")
        }
        if let keyUsage = usage.keyUsage, !keyUsage.keyEncipherment, !keyUsage.keyAgreement {
            broken("key usage without encipherment or agreement")
        }
        if !usage.unknownCritical.isEmpty {
            broken("critical extensions \(usage.unknownCritical.joined(separator: ", ")) are not understood")
        }
        guard let key = certificate.publicKey else {
            broken("a public key of an unknown kind")
            return findings
        }
        for defect in key.defects {
            switch defect {
            case .malformed(let detail), .weak(let detail): broken("public key: \(detail)")
            case .roca: findings.append(.init(.roca, "the modulus has the fingerprint of CVE-2017-15361"))
            }
        }
        return findings
    }

    private func dateAndSignatureFindings(
        _ path: [EKCertificate], reachedRoot: Bool
    ) -> [EndorsementRefusal.Reason] {
        var findings: [EndorsementRefusal.Reason] = []
        for certificate in reachedRoot ? path.dropLast() : path[...] {
            let who = certificate.subject.isEmpty ? "serial \(certificate.serialNumber)" : certificate.subject
            if case .mustHold(let time) = validity {
                if time < certificate.notBefore { findings.append(.init(.expired, "\(who): not yet valid")) }
                if time > certificate.notAfter { findings.append(.init(.expired, "\(who): expired")) }
            }
            let digest = certificate.fields.signatureDigest
            if !Self.strongDigests.contains(digest), !(acceptsSHA1 && digest == "SHA1") {
                findings.append(.init(.profile, "\(who): signed with \(digest)"))
            }
        }
        return findings
    }

    private func blockFindings(_ path: [EKCertificate]) -> [EndorsementRefusal.Reason] {
        var findings: [EndorsementRefusal.Reason] = []
        let issuers = path.map(\.issuer) + path.dropFirst().map(\.subject)
        for entry in denyList.entries where entry.matches(path.first?.tpm, issuers: issuers) {
            findings.append(.init(.blocked, "deny list: \(entry.reason)"))
        }
        for (certificate, issuer) in zip(path, path.dropFirst()) {
            for list in revocationLists
            where list.issuer == issuer.fields.subject
                && list.revocations[certificate.fields.serialNumber] != nil
                && list.isSigned(byKey: issuer.fields.subjectPublicKeyInfo)
            {
                findings.append(.init(.blocked, "serial \(certificate.serialNumber) is revoked by \(issuer.subject)"))
            }
        }
        return findings
    }

    private static let strongDigests: Set<String> = [
        "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-384", "SHA3-512",
    ]
}

/// How far an EK is vouched for.
public enum EKTrust: String, Hashable, Sendable {
    /// A manufacturer's certificate, checked against the operator's roots.
    case certified
}

/// An endorsement key that a manufacturer vouches for. Only ``EKCertificatePolicy/endorse(_:certificate:sentIssuers:)``
/// makes one.
public struct EndorsedEK: Sendable {
    public let key: EndorsementKey
    public let certificate: EKCertificate
    /// Subjects from the issuer to the root.
    public let issuers: [String]
    public let trust: EKTrust

    init(key: EndorsementKey, certificate: EKCertificate, issuers: [String], trust: EKTrust) {
        self.key = key
        self.certificate = certificate
        self.issuers = issuers
        self.trust = trust
    }
}
