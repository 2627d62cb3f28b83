internal import ByteParsing
internal import CTSS2
internal import TPMStructures

/// What TPM2_ReadPublic says of an object.
struct ObjectDescription {
    let publicArea: [UInt8]
    let name: [UInt8]
    let qualifiedName: [UInt8]
}

/// Commands of Part 3, chapters "Object Commands", "Hierarchy Commands" and "Context Management".
extension ESYSContext {
    borrowing func startup() throws(TPMError) {
        try unsafe run("TPM2_Startup") { unsafe Esys_Startup($0, TPM2_SU(TPM2_SU_CLEAR)) }
    }

    /// A reference to an object, session or NV index that the TPM holds; ESYS reads its public area.
    borrowing func reference(to handle: UInt32) throws(TPMError) -> ESYS_TR {
        var reference = ESYS_TR(ESYS_TR_NONE)
        try unsafe run("TPM2_ReadPublic") {
            unsafe Esys_TR_FromTPMPublic(
                $0, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &reference)
        }
        return reference
    }

    borrowing func readPublic(_ reference: ESYS_TR) throws(TPMError) -> ObjectDescription {
        var area: UnsafeMutablePointer<TPM2B_PUBLIC>?
        var name: UnsafeMutablePointer<TPM2B_NAME>?
        var qualified: UnsafeMutablePointer<TPM2B_NAME>?
        try unsafe run("TPM2_ReadPublic") {
            unsafe Esys_ReadPublic($0, reference, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, &name, &qualified)
        }
        // Taken one by one before anything can throw, so that none is left allocated.
        let areaResult = Result { () throws(TPMError) in try unsafe Self.takePublic(area) }
        let nameResult = Result { () throws(TPMError) in try unsafe Self.takeName(name) }
        let qualifiedResult = Result { () throws(TPMError) in try unsafe Self.takeName(qualified) }
        return ObjectDescription(
            publicArea: try areaResult.get(), name: try nameResult.get(), qualifiedName: try qualifiedResult.get())
    }

    /// A new primary object with the empty authorisation; the caller flushes it.
    borrowing func createPrimary(_ template: TPMTPublic, under hierarchy: ESYS_TR) throws(TPMError) -> ESYS_TR {
        var publicArea = TPM2B_PUBLIC()
        try unsafe Self.unmarshal("TPM2_CreatePrimary", template.marshalled) {
            unsafe Tss2_MU_TPMT_PUBLIC_Unmarshal($0, $1, $2, &publicArea.publicArea)
        }
        var sensitive = TPM2B_SENSITIVE_CREATE()
        var outsideInfo = TPM2B_DATA()
        var creationPCRs = TPML_PCR_SELECTION()
        var reference = ESYS_TR(ESYS_TR_NONE)
        var area: UnsafeMutablePointer<TPM2B_PUBLIC>?
        var creationData: UnsafeMutablePointer<TPM2B_CREATION_DATA>?
        var creationHash: UnsafeMutablePointer<TPM2B_DIGEST>?
        var ticket: UnsafeMutablePointer<TPMT_TK_CREATION>?
        try unsafe run("TPM2_CreatePrimary") {
            unsafe Esys_CreatePrimary(
                $0, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &publicArea, &outsideInfo,
                &creationPCRs, &reference, &area, &creationData, &creationHash, &ticket)
        }
        unsafe Esys_Free(area)
        unsafe Esys_Free(creationData)
        unsafe Esys_Free(creationHash)
        unsafe Esys_Free(ticket)
        return reference
    }

    /// Keeps a copy of a transient object at a persistent handle; atomic in the TPM.
    borrowing func persist(_ reference: ESYS_TR, at handle: UInt32) throws(TPMError) -> ESYS_TR {
        var persistent = ESYS_TR(ESYS_TR_NONE)
        try unsafe run("TPM2_EvictControl") {
            unsafe Esys_EvictControl(
                $0, ESYS_TR_RH_OWNER, reference, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, handle, &persistent)
        }
        return persistent
    }

    /// Removes a persistent object.
    borrowing func evict(_ reference: ESYS_TR, handle: UInt32) throws(TPMError) {
        var gone = ESYS_TR(ESYS_TR_NONE)
        try unsafe run("TPM2_EvictControl") {
            unsafe Esys_EvictControl(
                $0, ESYS_TR_RH_OWNER, reference, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, handle, &gone)
        }
    }

    /// TPM2_Hash: the TPM's own digest of a few bytes, so that this room needs no cryptographic library.
    borrowing func hash(_ bytes: [UInt8], _ algorithm: HashAlgorithm) throws(TPMError) -> [UInt8] {
        var data = TPM2B_MAX_BUFFER()
        try Self.fill(&data, bytes, "TPM2_Hash")
        var digest: UnsafeMutablePointer<TPM2B_DIGEST>?
        var ticket: UnsafeMutablePointer<TPMT_TK_HASHCHECK>?
        try unsafe run("TPM2_Hash") {
            unsafe Esys_Hash(
                $0, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &data, algorithm.algorithmID.rawValue, ESYS_TR_RH_NULL,
                &digest, &ticket)
        }
        unsafe Esys_Free(ticket)
        return try unsafe Self.take(digest, "TPM2_Hash") { unsafe Self.bytes(ofTPM2B: $0) }
    }

    private static func takePublic(_ pointer: UnsafeMutablePointer<TPM2B_PUBLIC>?) throws(TPMError) -> [UInt8] {
        try unsafe take(pointer, "TPM2_ReadPublic") { (pointer) throws(TPMError) in
            try unsafe marshal("TPM2_ReadPublic") {
                unsafe Tss2_MU_TPMT_PUBLIC_Marshal(&pointer.pointee.publicArea, $0, $1, $2)
            }
        }
    }

    private static func takeName(_ pointer: UnsafeMutablePointer<TPM2B_NAME>?) throws(TPMError) -> [UInt8] {
        try unsafe take(pointer, "TPM2_ReadPublic") { unsafe bytes(ofTPM2B: $0) }
    }
}
