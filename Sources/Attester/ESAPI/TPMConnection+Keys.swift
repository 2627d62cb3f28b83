internal import CTSS2
internal import TPMStructures

extension TPMConnection {
    /// The EK of one kind: the persistent one, or a new one that is persisted, or nil where the TPM cannot make it.
    func endorsementKey(_ kind: EndorsementKeyKind) throws(TPMError) -> ResidentKey {
        if let existing = try existingEndorsementKey(kind) { return existing }
        return try persistPrimary(kind.template, at: kind.persistentHandle)
    }

    /// - Throws: `handleOccupied` when the handle holds something that is no EK of this kind.
    func existingEndorsementKey(_ kind: EndorsementKeyKind) throws(TPMError) -> ResidentKey? {
        let handle = kind.persistentHandle
        guard let reference = try reference(to: handle) else { return nil }
        let key = try describe(handle, reference)
        let expected = kind.template
        // A vendor's EK may differ from the template in how it is authorised, never in what it is.
        let needed: TPMAObject = [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .decrypt]
        let sameKey =
            switch (key.parsed.key, expected.key) {
            case (.rsa(let actual), .rsa(let wanted)): actual.keyBits == wanted.keyBits
            case (.ecc(let actual), .ecc(let wanted)): actual.curve == wanted.curve
            default: false
            }
        guard sameKey, key.parsed.attributes.isSuperset(of: needed), !key.parsed.attributes.contains(.sign),
            try isEndorsementPrimary(key)
        else {
            forget(handle)
            throw TPMError("endorsement key", .handleOccupied(handle, "not an EK of kind \(kind.rawValue)"))
        }
        return key
    }

    /// A signing key at its handle, made there when the handle is free. Whoever is killed on the way makes the same key
    /// the next time: it is derived from the seed and the template.
    func signingKey(_ template: SigningKeyTemplate, at handle: UInt32) throws(TPMError) -> ResidentKey {
        guard let reference = try reference(to: handle) else {
            return try persistPrimary(template.template, at: handle)
        }
        let key = try describe(handle, reference)
        guard template.matches(key.parsed) else {
            forget(handle)
            throw TPMError("signing key", .handleOccupied(handle, "its public area is not that of our template"))
        }
        guard try isEndorsementPrimary(key) else {
            forget(handle)
            throw TPMError("signing key", .handleOccupied(handle, "it is no primary of the endorsement hierarchy"))
        }
        return key
    }

    private func persistPrimary(_ template: TPMTPublic, at handle: UInt32) throws(TPMError) -> ResidentKey {
        let transient = try context.createPrimary(template, under: ESYS_TR_RH_ENDORSEMENT)
        let persistent = try context.flushing(transient) { () throws(TPMError) in
            try context.persist(transient, at: handle)
        }
        remember(persistent, at: handle)
        return try describe(handle, persistent)
    }

    func evict(_ handle: UInt32) throws(TPMError) {
        guard let reference = try reference(to: handle) else { return }
        try context.evict(reference, handle: handle)
        forget(handle)
    }

    /// Runs `body` with the boot key of this TPM Reset cycle. It is made anew for each use (it is derived from the NULL
    /// seed, so it is the same key until the next reset), which leaves no slot of the TPM occupied in between.
    func withBootKey<Value>(
        _ body: (ESYS_TR) throws(TPMError) -> Value
    ) throws(TPMError) -> Value {
        let key = try context.createPrimary(SigningKeyTemplate.boot.template, under: ESYS_TR_RH_NULL)
        return try context.flushing(key) { () throws(TPMError) in try body(key) }
    }

    func certifyBootKey(
        by attestationKey: UInt32, qualifyingData: [UInt8]
    ) throws(TPMError) -> CertifiedBootKey {
        try withKey(attestationKey, "TPM2_Certify") { (signer) throws(TPMError) in
            try withBootKey { (key) throws(TPMError) in
                CertifiedBootKey(
                    publicArea: try context.readPublic(key).publicArea,
                    certification: try context.certify(key, by: signer, qualifyingData: qualifyingData))
            }
        }
    }

    /// Opens a credential. The EK is authorised as its own attributes say: userWithAuth by the empty value, otherwise by
    /// PolicyA in a policy session. The secret comes back encrypted in a session salted with the EK (AG-13).
    func activateCredential(
        endorsementKey: UInt32, attestationKey: UInt32, credentialBlob: [UInt8], encryptedSecret: [UInt8]
    ) throws(TPMError) -> [UInt8] {
        try withKey(endorsementKey, "TPM2_ActivateCredential") { (ek) throws(TPMError) in
            let area = try describe(endorsementKey, ek).parsed
            guard let hash = area.nameAlgorithm else {
                throw TPMError("TPM2_ActivateCredential", .unavailable("EK with a name algorithm"))
            }
            return try withKey(attestationKey, "TPM2_ActivateCredential") { (ak) throws(TPMError) in
                let channel = try context.startSession(
                    TPM2_SE(TPM2_SE_HMAC), saltedWith: ek, hash: hash, encrypting: true)
                return try context.flushing(channel) { () throws(TPMError) in
                    try authorizing(ek, area.attributes, hash) { (authorization) throws(TPMError) in
                        try context.activateCredential(
                            attestationKey: ak, endorsementKey: ek, endorsementAuthorization: authorization,
                            encryptionSession: channel, credentialBlob: credentialBlob,
                            encryptedSecret: encryptedSecret)
                    }
                }
            }
        }
    }

    private func authorizing<Value>(
        _ ek: ESYS_TR, _ attributes: TPMAObject, _ hash: HashAlgorithm, _ body: (ESYS_TR) throws(TPMError) -> Value
    ) throws(TPMError) -> Value {
        if attributes.contains(.userWithAuth) { return try body(ESYS_TR_PASSWORD) }
        let policy = try context.startSession(
            TPM2_SE(TPM2_SE_POLICY), saltedWith: ek, hash: hash, encrypting: false)
        return try context.flushing(policy) { () throws(TPMError) in
            try context.policySecretEndorsement(policy)
            return try body(policy)
        }
    }
}
