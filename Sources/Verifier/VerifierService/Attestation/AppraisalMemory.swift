internal import Appraisal
internal import AttestationMessages
internal import ByteParsing
internal import TPMCryptography
internal import TPMStructures

/// What earlier appraisals proved, so that evidence of the same boot is not judged again in full. Each entry is found
/// only under everything that decides it; nothing that was refused is kept.
struct AppraisalMemory: Sendable {
    /// Layers 2 to 6 of a boot by what they depend on.
    let boots: BoundedCache<JudgedBoot, BootAppraisal>
    /// The last boot key of each identity (its number; rows are write-once).
    let bootKeys = BoundedCache<Int64, CertifiedBootKey>(capacity: 8192)

    init(bootCapacity: Int = 4096) { boots = BoundedCache(capacity: bootCapacity) }
}

/// Everything that decides layers 2 to 6: what the quote signs of the registers, the log, and the references.
struct JudgedBoot: Hashable, Sendable {
    private let registers: [UInt8]
    private let eventLogSHA256: [UInt8]?
    private let group: String
    private let generation: Int64
    /// Under a change plan two sets judge nodes of one group.
    private let references: String?

    init(_ quote: VerifiedQuote, eventLogSHA256: [UInt8]?, _ policy: GroupPolicy) {
        var writer = ByteWriter(reservingCapacity: 96)
        writer.writeBigEndian(quote.pcrDigest.algorithm.algorithmID.rawValue)
        writer.write(quote.pcrDigest.bytes)
        writer.write(quote.pcrSelection.marshalled)
        registers = writer.bytes
        self.eventLogSHA256 = eventLogSHA256
        group = policy.group
        generation = policy.generation
        references = policy.reference?.documentSHA256
    }
}

/// A boot key whose certification verified, with the bytes that it verified for. An agent shows the same certification
/// with every quote of a boot, and its signature costs as much to check as the quote's (65 of 750 µs were measured).
struct CertifiedBootKey: Sendable {
    private let claim: BootKeyClaim
    private let nodeKeySPKI: [UInt8]
    let spki: [UInt8]
    let resetCount: UInt32
    let restartCount: UInt32

    /// Checks the certification by the identity's AK for this node key.
    ///
    /// - Throws: ``CertificationRefusal``; bytes that do not parse are `ID_NODE_KEY_ATTRS`.
    init(_ claim: BootKeyClaim, nodeKeySPKI: [UInt8], keys: NodeKeys) throws(CertificationRefusal) {
        let certification: UnverifiedCertification
        let area: TPMTPublic
        do {
            area = try TPMTPublic(tpmtPublic: claim.publicArea.bytes)
            certification = try UnverifiedCertification(
                attest: claim.certifyInfo.bytes, signature: claim.certifySignature.bytes)
        } catch { throw Refusal(.nodeKeyAttributes, "\(error)") }
        let key = try certification.verify(
            with: keys.attestation,
            expecting: CertificationExpectation(
                role: .boot, publicArea: area, extraData: ProtocolBinding.bootKey(nodeKeySPKI: nodeKeySPKI),
                signers: keys.signers))
        self.claim = claim
        self.nodeKeySPKI = nodeKeySPKI
        spki = key.spki
        resetCount = key.clock.resetCount
        restartCount = key.clock.restartCount
    }

    /// Whether this was made of exactly these bytes; whose AK signed them is the caller's to know.
    func isMade(of claim: BootKeyClaim, nodeKeySPKI: [UInt8]) -> Bool {
        self.claim == claim && self.nodeKeySPKI == nodeKeySPKI
    }
}
