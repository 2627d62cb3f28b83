public import ByteParsing
public import TPMStructures

/// Why a certification of a node's key was refused (catalogue ID-17, ID-20, ID-28).
public typealias CertificationRefusal = Refusal<CertificationCode>

public enum CertificationCode: String, Hashable, Sendable, CaseIterable {
    /// Not a TPM2_Certify of this public area by this AK, or a key that does not stay in the TPM.
    case nodeKeyAttributes = "ID_NODE_KEY_ATTRS"
    /// Certified for another exchange or connection.
    case channelBinding = "ID_CHANNEL_BINDING"
    /// The AK signs under another parent than the EK or the endorsement hierarchy.
    case hierarchy = "ID_AK_HIERARCHY"
}

/// The keys of a node that its AK certifies.
public enum CertifiedKeyRole: Hashable, Sendable {
    /// Proves which machine speaks; a child or a primary, anywhere in the TPM.
    case node
    /// A primary under TPM_RH_NULL: gone at every TPM Reset.
    case boot
}

/// What a certification must say.
public struct CertificationExpectation: Sendable {
    let role: CertifiedKeyRole
    let publicArea: TPMTPublic
    let extraData: [UInt8]
    let signers: Set<TPM2BName>

    /// - Parameters:
    ///   - publicArea: the certified key's, as it was sent.
    ///   - extraData: the exact qualifyingData.
    ///   - signers: allowed qualified names of the AK (``AttestationKey/qualifiedNames(under:)``).
    public init(role: CertifiedKeyRole, publicArea: TPMTPublic, extraData: [UInt8], signers: Set<TPM2BName>) {
        self.role = role
        self.publicArea = publicArea
        self.extraData = extraData
        self.signers = signers
    }
}

/// A key that an AK certified as living in its TPM. Only ``UnverifiedCertification/verify(with:expecting:)`` makes one.
public struct CertifiedKey: Hashable, Sendable {
    public let role: CertifiedKeyRole
    public let publicArea: TPMTPublic
    public let name: TPM2BName
    public let publicKey: SubjectPublicKey
    public let clock: TPMSClockInfo
    public let firmwareVersion: UInt64

    /// DER SubjectPublicKeyInfo: what the TLS certificate must hold.
    public var spki: [UInt8] { publicKey.spki }
}

/// The result of TPM2_Certify as it was received.
public struct UnverifiedCertification: Sendable {
    private let bytes: [UInt8]
    /// Nil when the bytes do not begin with TPM_GENERATED_VALUE.
    private let attest: TPMSAttest?
    private let signature: TPMTSignature

    /// Attributes a certified key must have: made in the TPM and never leaving it. An AK also certifies imported keys.
    public static let requiredAttributes: TPMAObject = [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .sign]

    /// - Parameters:
    ///   - attest: TPMS_ATTEST, without the size of TPM2B_ATTEST.
    ///   - signature: TPMT_SIGNATURE.
    public init(attest: [UInt8], signature: [UInt8]) throws(ParsingError) {
        var reader = ByteReader(attest.span)
        let magic: UInt32 = try reader.readBigEndian("TPMS_ATTEST.magic")
        self.attest = magic == TPMSAttest.generatedValue ? try TPMSAttest(marshalled: attest) : nil
        self.signature = try TPMTSignature(marshalled: signature)
        bytes = attest
    }

    /// Checks magic, type, signature, certified name, the key's attributes and strength, the signer, and extraData.
    public func verify(
        with key: AttestationKey, expecting expectation: CertificationExpectation
    ) throws(CertificationRefusal) -> CertifiedKey {
        guard let attest else { throw Refusal(.nodeKeyAttributes, "no TPM_GENERATED_VALUE") }
        guard case .certify(let info) = attest.attested else {
            throw Refusal(
                .nodeKeyAttributes, "attestation type 0x\(String(attest.kind, radix: 16)), not a certification")
        }
        var reasons: [CertificationRefusal.Reason] = []
        if signature.scheme != key.scheme || signature.hash != key.hash
            || !key.verifier.verify(signature, over: bytes)
        {
            reasons.append(.init(.nodeKeyAttributes, "not signed by the attestation key"))
        }
        if attest.extraData != expectation.extraData {
            reasons.append(.init(.channelBinding, "extraData \(Hex.encode(attest.extraData))"))
        }
        if !expectation.signers.contains(attest.qualifiedSigner) {
            reasons.append(.init(.hierarchy, "qualifiedSigner \(attest.qualifiedSigner)"))
        }
        let area = expectation.publicArea
        guard let name = area.name, name == info.name else {
            reasons.append(.init(.nodeKeyAttributes, "certified name \(info.name) is not that of the sent key"))
            throw Refusal(reasons) ?? Refusal(.nodeKeyAttributes, "name")
        }
        if expectation.role == .boot, info.qualifiedName != area.qualifiedName(under: .nullHierarchy) {
            reasons.append(.init(.nodeKeyAttributes, "the boot key is no primary of the NULL hierarchy"))
        }
        reasons += Self.attributeReasons(area)
        guard let publicKey = try? SubjectPublicKey(area), case .ecc(.nistP256, _, _) = publicKey,
            publicKey.defects.isEmpty
        else {
            reasons.append(.init(.nodeKeyAttributes, "not a sound P-256 key"))
            throw Refusal(reasons) ?? Refusal(.nodeKeyAttributes, "key")
        }
        if let refusal = Refusal(reasons) { throw refusal }
        return CertifiedKey(
            role: expectation.role, publicArea: area, name: name, publicKey: publicKey, clock: attest.clockInfo,
            firmwareVersion: attest.firmwareVersion)
    }

    private static func attributeReasons(_ area: TPMTPublic) -> [CertificationRefusal.Reason] {
        var reasons: [CertificationRefusal.Reason] = []
        let missing = requiredAttributes.subtracting(area.attributes)
        if !missing.isEmpty { reasons.append(.init(.nodeKeyAttributes, "not set: \(missing)")) }
        let forbidden = area.attributes.intersection([.decrypt, .restricted])
        if !forbidden.isEmpty { reasons.append(.init(.nodeKeyAttributes, "set: \(forbidden)")) }
        if ![.sha256, .sha384, .sha512].contains(area.nameAlgorithm) {
            reasons.append(.init(.nodeKeyAttributes, "name algorithm \(area.nameAlgorithm?.name ?? "null")"))
        }
        return reasons
    }
}
