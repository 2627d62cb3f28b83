internal import ByteParsing
public import TPMStructures

/// Why a public area is no attestation key (catalogue ID-04 to ID-07, ID-12).
public typealias AttestationKeyRefusal = Refusal<AttestationKeyCode>

public enum AttestationKeyCode: String, Hashable, Sendable, CaseIterable {
    case attributes = "ID_AK_ATTRS"
    case weak = "ID_AK_WEAK"
    case malformed = "ID_AK_MALFORMED"
    case roca = "ID_KEY_ROCA"
}

/// An attestation key: parsed and validated once, then kept.
///
/// Guarantees: the key is restricted (so it signs no foreign data that looks like a TPM's), was made in a TPM and
/// cannot leave it, signs only; its algorithms are on the allow-list; the public key is sound. Does not say *which* TPM
/// holds it: that takes an activation and ``qualifiedNames(under:)``.
public struct AttestationKey: Sendable {
    public let publicArea: TPMTPublic
    public let name: TPM2BName
    public let publicKey: SubjectPublicKey
    /// RSASSA, RSAPSS or ECDSA with SHA-256, SHA-384 or SHA-512.
    public let scheme: TPMAlgID
    public let hash: HashAlgorithm
    let verifier: SignatureVerifier

    /// Attributes an AK must have.
    public static let requiredAttributes: TPMAObject = [
        .fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .sign,
    ]

    /// - Throws: every reason that was found.
    public init(_ area: TPMTPublic) throws(AttestationKeyRefusal) {
        var reasons: [AttestationKeyRefusal.Reason] = []
        let missing = Self.requiredAttributes.subtracting(area.attributes)
        if !missing.isEmpty { reasons.append(.init(.attributes, "not set: \(missing)")) }
        if area.attributes.contains(.decrypt) { reasons.append(.init(.attributes, "decrypt is set")) }

        let declared: TPMTAsymScheme
        switch area.key {
        case .rsa(let rsa): declared = rsa.scheme
        case .ecc(let ecc): declared = ecc.scheme
        case .keyedHash, .symCipher:
            throw Refusal(reasons + [.init(.malformed, "a \(area.type) object is no signing key")])
                ?? Refusal(.malformed, "no signing key")
        }
        if case .rsa(let rsa) = area.key, Int(rsa.keyBits) != rsa.modulus.count * 8 {
            reasons.append(.init(.malformed, "\(rsa.modulus.count) bytes of modulus for \(rsa.keyBits) bits"))
        }
        if !Self.strongHashes.contains(area.nameAlgorithm) {
            reasons.append(.init(.weak, "name algorithm \(area.nameAlgorithm?.name ?? "null")"))
        }
        if ![.rsassa, .rsapss, .ecdsa].contains(declared.algorithm) {
            reasons.append(.init(.malformed, "scheme \(declared.algorithm)"))
        } else if !Self.strongHashes.contains(declared.hash) {
            reasons.append(.init(.weak, "scheme hash \(declared.hash?.name ?? "null")"))
        }
        if case .ecc(let ecc) = area.key, SubjectPublicKey.fieldSize(ecc.curve) == nil {
            throw Refusal(reasons + [.init(.weak, "curve \(ecc.curve)")]) ?? Refusal(.weak, "curve \(ecc.curve)")
        }

        let key: SubjectPublicKey
        do throws(ParsingError) { key = try SubjectPublicKey(area) } catch {
            throw Refusal(reasons + [.init(.malformed, error.description)]) ?? Refusal(.malformed, error.description)
        }
        for defect in key.defects {
            switch defect {
            case .malformed(let detail): reasons.append(.init(.malformed, detail))
            case .weak(let detail): reasons.append(.init(.weak, detail))
            case .roca: reasons.append(.init(.roca, "the modulus has the fingerprint of CVE-2017-15361"))
            }
        }
        if let refusal = Refusal(reasons) { throw refusal }
        guard let verifier = SignatureVerifier(key), let name = area.name, let hash = declared.hash else {
            throw Refusal(.malformed, "no usable key")
        }
        publicArea = area
        self.name = name
        publicKey = key
        scheme = declared.algorithm
        self.hash = hash
        self.verifier = verifier
    }

    /// Reads a TPMT_PUBLIC; bytes that do not parse are `ID_AK_MALFORMED`.
    public init(tpmtPublic bytes: [UInt8]) throws(AttestationKeyRefusal) {
        let area: TPMTPublic
        do throws(ParsingError) { area = try TPMTPublic(tpmtPublic: bytes) } catch {
            throw Refusal(.malformed, error.description)
        }
        try self.init(area)
    }

    /// The qualified names this key may sign under when it lives in the EK's endorsement hierarchy: as a child of the
    /// EK or as a primary of its own. Under any other parent its counters are masked (catalogue QF-17).
    public func qualifiedNames(under endorsementKey: TPMTPublic) -> Set<TPM2BName> {
        let primary = publicArea.qualifiedName(under: .endorsementHierarchy)
        let child = endorsementKey.qualifiedName(under: .endorsementHierarchy).flatMap {
            publicArea.qualifiedName(under: $0)
        }
        return Set([primary, child].compactMap(\.self))
    }

    private static let strongHashes: Set<HashAlgorithm?> = [.sha256, .sha384, .sha512]
}
