internal import ByteParsing
public import TPMStructures

/// Why a public area is no endorsement key that can be challenged.
public typealias EndorsementKeyRefusal = Refusal<EndorsementKeyCode>

public enum EndorsementKeyCode: String, Hashable, Sendable, CaseIterable {
    /// A sound key of a kind that no challenge is made for here; the detail names it.
    case unsupported = "ID_EK_UNSUPPORTED"
    /// Attributes of something else than an endorsement key.
    case attributes = "ID_EK_ATTRS"
    case malformed = "ID_EK_MALFORMED"
    case roca = "ID_KEY_ROCA"
}

/// An endorsement key that a credential can be made for: RSA-2048, -3072 or -4096, P-256 or P-384.
///
/// Guarantees: restricted decryption key made in and fixed to a TPM *by what its public area says*. Whether a TPM holds
/// it shows only the activation; whether a manufacturer vouches for it, its certificate.
public struct EndorsementKey: Sendable {
    public let publicArea: TPMTPublic
    public let name: TPM2BName
    public let publicKey: SubjectPublicKey
    /// The EK's name algorithm: the hash of all key derivation for it (Part 1, "Credential Protection").
    let hash: HashAlgorithm
    /// Bits of the AES-CFB key that protects the credential: the EK's own symmetric parameters.
    let symmetricBits: UInt32

    public static let requiredAttributes: TPMAObject = [
        .fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .decrypt,
    ]

    public init(_ area: TPMTPublic) throws(EndorsementKeyRefusal) {
        let symmetric: TPMTSymDefObject
        switch area.key {
        case .rsa(let rsa):
            guard Int(rsa.keyBits) == rsa.modulus.count * 8 else {
                throw Refusal(.malformed, "\(rsa.modulus.count) bytes of modulus for \(rsa.keyBits) bits")
            }
            symmetric = rsa.symmetric
        case .ecc(let ecc):
            guard [.nistP256, .nistP384].contains(ecc.curve) else { throw Refusal(.unsupported, "\(ecc.curve)") }
            symmetric = ecc.symmetric
        case .keyedHash, .symCipher: throw Refusal(.unsupported, "a \(area.type) object")
        }
        var reasons: [EndorsementKeyRefusal.Reason] = []
        let missing = Self.requiredAttributes.subtracting(area.attributes)
        if !missing.isEmpty { reasons.append(.init(.attributes, "not set: \(missing)")) }
        if area.attributes.contains(.sign) { reasons.append(.init(.attributes, "sign is set")) }

        let key: SubjectPublicKey
        do throws(ParsingError) { key = try SubjectPublicKey(area) } catch {
            throw Refusal(reasons + [.init(.malformed, error.description)]) ?? Refusal(.malformed, error.description)
        }
        for defect in key.defects {
            switch defect {
            case .malformed(let detail): reasons.append(.init(.malformed, detail))
            case .weak(let detail): reasons.append(.init(.unsupported, detail))
            case .roca: reasons.append(.init(.roca, "the modulus has the fingerprint of CVE-2017-15361"))
            }
        }
        guard case .cipher(.aes, let bits, .cfb) = symmetric, bits == 128 || bits == 256 else {
            throw Refusal(reasons + [.init(.unsupported, "symmetric parameters \(symmetric)")])
                ?? Refusal(.unsupported, "symmetric parameters")
        }
        guard let hash = area.nameAlgorithm, [.sha256, .sha384, .sha512].contains(hash), let name = area.name else {
            let used = area.nameAlgorithm?.name ?? "null"
            throw Refusal(reasons + [.init(.unsupported, "name algorithm \(used)")])
                ?? Refusal(.unsupported, "name algorithm")
        }
        if let refusal = Refusal(reasons) { throw refusal }
        publicArea = area
        self.name = name
        publicKey = key
        self.hash = hash
        symmetricBits = UInt32(bits)
    }

    /// Reads a TPMT_PUBLIC; bytes that do not parse are `ID_EK_MALFORMED`.
    public init(tpmtPublic bytes: [UInt8]) throws(EndorsementKeyRefusal) {
        let area: TPMTPublic
        do throws(ParsingError) { area = try TPMTPublic(tpmtPublic: bytes) } catch {
            throw Refusal(.malformed, error.description)
        }
        try self.init(area)
    }
}
