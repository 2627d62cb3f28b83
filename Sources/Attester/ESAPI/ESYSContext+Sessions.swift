internal import CTSS2
internal import TPMStructures

/// Commands of Part 3, chapters "Session Commands" and "Enhanced Authorization Commands", and the one command that
/// needs them.
extension ESYSContext {
    /// A session salted with a key of the TPM, which encrypts the first parameter of command and response (AES-128-CFB).
    /// The caller flushes it.
    borrowing func startSession(
        _ type: TPM2_SE, saltedWith key: ESYS_TR, hash: HashAlgorithm, encrypting: Bool
    ) throws(TPMError) -> ESYS_TR {
        var symmetric = TPMT_SYM_DEF()
        // TPM_ALG_AES, 128 bits, TPM_ALG_CFB.
        try unsafe Self.unmarshal("TPM2_StartAuthSession", [0x00, 0x06, 0x00, 0x80, 0x00, 0x43]) {
            unsafe Tss2_MU_TPMT_SYM_DEF_Unmarshal($0, $1, $2, &symmetric)
        }
        var session = ESYS_TR(ESYS_TR_NONE)
        try unsafe run("TPM2_StartAuthSession") {
            unsafe Esys_StartAuthSession(
                $0, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nil, type, &symmetric,
                hash.algorithmID.rawValue, &session)
        }
        // Kept until it is flushed, so that success and failure end in the same way.
        var attributes = TPMA_SESSION(TPMA_SESSION_CONTINUESESSION)
        if encrypting { attributes |= TPMA_SESSION(TPMA_SESSION_ENCRYPT) | TPMA_SESSION(TPMA_SESSION_DECRYPT) }
        let started = session
        do {
            try unsafe run("Esys_TRSess_SetAttributes") {
                unsafe Esys_TRSess_SetAttributes($0, started, attributes, 0xFF)
            }
        } catch {
            try flush(started)
            throw error
        }
        return started
    }

    /// Satisfies PolicyA of the TCG EK Credential Profile: knowledge of the endorsement hierarchy's (empty) secret.
    borrowing func policySecretEndorsement(_ session: ESYS_TR) throws(TPMError) {
        var timeout: UnsafeMutablePointer<TPM2B_TIMEOUT>?
        var ticket: UnsafeMutablePointer<TPMT_TK_AUTH>?
        try unsafe run("TPM2_PolicySecret") {
            unsafe Esys_PolicySecret(
                $0, ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, nil, nil, nil, 0,
                &timeout, &ticket)
        }
        unsafe Esys_Free(timeout)
        unsafe Esys_Free(ticket)
    }

    /// TPM2_ActivateCredential. The recovered secret is encrypted on its way here by `encryptionSession`.
    borrowing func activateCredential(
        attestationKey: ESYS_TR, endorsementKey: ESYS_TR, endorsementAuthorization: ESYS_TR, encryptionSession: ESYS_TR,
        credentialBlob: [UInt8], encryptedSecret: [UInt8]
    ) throws(TPMError) -> [UInt8] {
        var blob = TPM2B_ID_OBJECT()
        var secret = TPM2B_ENCRYPTED_SECRET()
        try Self.fill(&blob, credentialBlob, "credentialBlob")
        try Self.fill(&secret, encryptedSecret, "encryptedSecret")
        var recovered: UnsafeMutablePointer<TPM2B_DIGEST>?
        try unsafe run("TPM2_ActivateCredential") {
            unsafe Esys_ActivateCredential(
                $0, attestationKey, endorsementKey, ESYS_TR_PASSWORD, endorsementAuthorization, encryptionSession,
                &blob, &secret, &recovered)
        }
        return try unsafe Self.take(recovered, "TPM2_ActivateCredential", secret: true) {
            unsafe Self.bytes(ofTPM2B: $0)
        }
    }
}
