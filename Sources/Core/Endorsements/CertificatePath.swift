internal import ByteParsing
internal import TPMCryptography

/// Finds the way from a certificate to a root: by names and signatures, then judged by RFC 5280's constraints.
struct CertificatePathBuilder {
    /// Most certificates in a chain, the EK's and the root's included.
    static let maxLength = 6
    /// Signature checks that one build may cost, whatever the client sends.
    static let maxSignatureChecks = 64

    let roots: [EKCertificate]
    let intermediates: [EKCertificate]
    private var checks = 0
    private var best: (path: [EKCertificate], problems: [String])?

    init(roots: [EKCertificate], intermediates: [EKCertificate]) {
        self.roots = roots
        self.intermediates = intermediates
    }

    /// The path with the fewest broken constraints, leaf first, root last; nil when no root is reached.
    mutating func build(from leaf: EKCertificate) -> (path: [EKCertificate], problems: [String])? {
        extend([leaf])
        return best
    }

    private mutating func extend(_ path: [EKCertificate]) {
        guard let last = path.last, path.count < Self.maxLength, best?.problems.isEmpty != true else { return }
        for root in roots where signs(root, last) {
            let candidate = path + [root]
            let problems = Self.problems(candidate)
            if problems.count < best?.problems.count ?? Int.max { best = (candidate, problems) }
        }
        for next in intermediates where !path.contains(next) && !roots.contains(next) && signs(next, last) {
            extend(path + [next])
        }
    }

    private mutating func signs(_ issuer: EKCertificate, _ certificate: EKCertificate) -> Bool {
        guard issuer.fields.subject == certificate.fields.issuer, checks < Self.maxSignatureChecks else { return false }
        checks += 1
        // Sizes and shapes first: the library must not see a hostile key (catalogue ID-16).
        guard let key = issuer.publicKey, !key.defects.contains(where: \.isUnusable) else { return false }
        return certificate.fields.isSigned(byKey: issuer.fields.subjectPublicKeyInfo)
    }

    /// Constraints on the certificates above the leaf (RFC 5280, sections 4.2.1.3, 4.2.1.9 and 6.1.4).
    private static func problems(_ path: [EKCertificate]) -> [String] {
        var problems: [String] = []
        for (index, certificate) in path.enumerated().dropFirst() {
            let isRoot = index == path.count - 1
            let usage = certificate.usage
            switch usage.authority {
            case .yes(let limit):
                // CA certificates between this one and the leaf; self-issued ones do not count.
                let below = path[1..<index].filter { !$0.isSelfIssued }.count
                if let limit, below > limit { problems.append("\(certificate.subject): path length over \(limit)") }
            case .no, nil:
                // A version 1 root has no extensions; it is trusted by decision.
                if !(isRoot && certificate.fields.version == 1) { problems.append("\(certificate.subject): not a CA") }
            }
            if let keyUsage = usage.keyUsage, !keyUsage.keyCertSign {
                problems.append("\(certificate.subject): may not sign certificates")
            }
            if !usage.unknownCritical.isEmpty {
                let list = usage.unknownCritical.joined(separator: ", ")
                problems.append("\(certificate.subject): critical extensions \(list) are not understood")
            }
        }
        return problems
    }
}

extension KeyDefect {
    /// A weak key of an issuer is the root operator's decision; a malformed one never reaches the library.
    fileprivate var isUnusable: Bool {
        switch self {
        case .malformed, .roca: true
        case .weak: false
        }
    }
}
