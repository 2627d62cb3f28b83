internal import CTSS2
internal import TPMStructures

/// Commands of Part 3, chapters "Attestation Commands", "Signing and Signature Verification" and "Random Number
/// Generator". All keys have the empty authorisation.
extension ESYSContext {
    borrowing func quote(
        by key: ESYS_TR, selection: TPMLPCRSelection, qualifyingData: [UInt8]
    ) throws(TPMError) -> SignedAttestation {
        var data = TPM2B_DATA()
        try Self.fill(&data, qualifyingData, "qualifyingData")
        var pcrs = try Self.nativeSelection(selection)
        var scheme = Self.keysOwnScheme
        var attest: UnsafeMutablePointer<TPM2B_ATTEST>?
        var signature: UnsafeMutablePointer<TPMT_SIGNATURE>?
        try unsafe run("TPM2_Quote") {
            unsafe Esys_Quote(
                $0, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &scheme, &pcrs, &attest, &signature)
        }
        return try unsafe Self.takeAttestation(attest, signature, "TPM2_Quote")
    }

    borrowing func certify(
        _ object: ESYS_TR, by key: ESYS_TR, qualifyingData: [UInt8]
    ) throws(TPMError) -> SignedAttestation {
        var data = TPM2B_DATA()
        try Self.fill(&data, qualifyingData, "qualifyingData")
        var scheme = Self.keysOwnScheme
        var attest: UnsafeMutablePointer<TPM2B_ATTEST>?
        var signature: UnsafeMutablePointer<TPMT_SIGNATURE>?
        try unsafe run("TPM2_Certify") {
            unsafe Esys_Certify(
                $0, object, key, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE, &data, &scheme, &attest,
                &signature)
        }
        return try unsafe Self.takeAttestation(attest, signature, "TPM2_Certify")
    }

    /// - Returns: a TPMT_SIGNATURE.
    borrowing func sign(_ digest: [UInt8], with key: ESYS_TR) throws(TPMError) -> [UInt8] {
        var input = TPM2B_DIGEST()
        try Self.fill(&input, digest, "digest")
        var scheme = Self.keysOwnScheme
        // An unrestricted key needs no proof that the TPM hashed the message: the NULL ticket.
        var ticket = TPMT_TK_HASHCHECK()
        ticket.tag = TPM2_ST(TPM2_ST_HASHCHECK)
        ticket.hierarchy = TPM2_RH_NULL
        var signature: UnsafeMutablePointer<TPMT_SIGNATURE>?
        try unsafe run("TPM2_Sign") {
            unsafe Esys_Sign(
                $0, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &input, &scheme, &ticket, &signature)
        }
        return try unsafe Self.takeSignature(signature, "TPM2_Sign")
    }

    borrowing func random(_ count: UInt16) throws(TPMError) -> [UInt8] {
        var bytes: UnsafeMutablePointer<TPM2B_DIGEST>?
        try unsafe run("TPM2_GetRandom") {
            unsafe Esys_GetRandom($0, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, count, &bytes)
        }
        return try unsafe Self.take(bytes, "TPM2_GetRandom", secret: true) { unsafe Self.bytes(ofTPM2B: $0) }
    }

    /// TPM_ALG_NULL as the scheme: the one that is fixed in the key.
    private static var keysOwnScheme: TPMT_SIG_SCHEME {
        var scheme = TPMT_SIG_SCHEME()
        scheme.scheme = TPM2_ALG_ID(TPM2_ALG_NULL)
        return scheme
    }

    static func nativeSelection(_ selection: TPMLPCRSelection) throws(TPMError) -> TPML_PCR_SELECTION {
        var native = TPML_PCR_SELECTION()
        try unsafe unmarshal("TPML_PCR_SELECTION", selection.marshalled) {
            unsafe Tss2_MU_TPML_PCR_SELECTION_Unmarshal($0, $1, $2, &native)
        }
        return native
    }

    private static func takeAttestation(
        _ attest: UnsafeMutablePointer<TPM2B_ATTEST>?, _ signature: UnsafeMutablePointer<TPMT_SIGNATURE>?,
        _ command: String
    ) throws(TPMError) -> SignedAttestation {
        let attestResult = Result { () throws(TPMError) in
            try unsafe take(attest, command) { unsafe bytes(ofTPM2B: $0) }
        }
        let signatureResult = Result { () throws(TPMError) in try unsafe takeSignature(signature, command) }
        return SignedAttestation(attest: try attestResult.get(), signature: try signatureResult.get())
    }

    private static func takeSignature(
        _ signature: UnsafeMutablePointer<TPMT_SIGNATURE>?, _ command: String
    ) throws(TPMError) -> [UInt8] {
        try unsafe take(signature, command) { (pointer) throws(TPMError) in
            try unsafe marshal(command) { unsafe Tss2_MU_TPMT_SIGNATURE_Marshal(pointer, $0, $1, $2) }
        }
    }
}
