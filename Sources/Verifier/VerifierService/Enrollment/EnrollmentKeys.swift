internal import AttestationMessages
internal import Crypto
internal import TPMCryptography
internal import TPMStructures

/// The three keys of an enrollment request, parsed and judged by themselves.
struct EnrollmentKeys: Sendable {
    let endorsement: EndorsementKey
    let attestation: AttestationKey
    let nodeKeyArea: TPMTPublic
    let nodeKeySPKI: [UInt8]

    var ekSPKISHA256: [UInt8] { Array(SHA256.hash(data: endorsement.publicKey.spki)) }

    /// - Throws: ``ServiceError`` of kind `invalid` with the first reason's code (`ID_EK_UNSUPPORTED`, `ID_AK_ATTRS`, …).
    init(ekPublic: [UInt8], akPublic: [UInt8], nodeKeyPublic: [UInt8]) throws {
        do throws(EndorsementKeyRefusal) {
            endorsement = try EndorsementKey(tpmtPublic: ekPublic)
        } catch { throw Self.invalid(error) }
        do throws(AttestationKeyRefusal) {
            attestation = try AttestationKey(tpmtPublic: akPublic)
        } catch { throw Self.invalid(error) }
        do {
            nodeKeyArea = try TPMTPublic(tpmtPublic: nodeKeyPublic)
            nodeKeySPKI = try SubjectPublicKey(nodeKeyArea).spki
        } catch { throw ServiceError(.invalid, "ID_NODE_KEY_ATTRS", "\(error)") }
    }

    private static func invalid<Code>(_ refusal: Refusal<Code>) -> ServiceError {
        ServiceError(.invalid, refusal.codes.first ?? "ID_AK_MALFORMED", refusal.description)
    }
}

/// Feeds makeCredential from the injected source.
struct PortRandom: RandomNumberGenerator {
    let source: any RandomSource

    mutating func next() -> UInt64 {
        source.bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
