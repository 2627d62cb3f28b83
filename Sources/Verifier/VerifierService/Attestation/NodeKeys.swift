internal import TPMCryptography
internal import TPMStructures

/// What quotes of one node are verified with: parsed once, then kept by the identity's number (rows are write-once).
struct NodeKeys: Sendable {
    let attestation: AttestationKey
    /// Qualified names the AK may sign under.
    let signers: Set<TPM2BName>

    init(_ identity: IdentityRecord) throws {
        do {
            attestation = try AttestationKey(tpmtPublic: identity.akPublic)
            signers = attestation.qualifiedNames(under: try TPMTPublic(tpmtPublic: identity.ekPublic))
        } catch {
            // Both were read by the enrollment that stored them.
            throw ServiceError(.unavailable, "STORE_POISON", "identity \(identity.identityID): \(error)")
        }
    }
}
