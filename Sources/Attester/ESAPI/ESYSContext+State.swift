internal import ByteParsing
internal import CTSS2
internal import TPMStructures

/// Commands that read the TPM's state: Part 3, chapters "Capability Commands", "Integrity Collection (PCR)", "Clocks and
/// Timers" and "Non-volatile Storage".
extension ESYSContext {
    /// One answer of TPM2_GetCapability as a marshalled TPMS_CAPABILITY_DATA.
    borrowing func capability(
        _ capability: UInt32, property: UInt32, count: UInt32
    ) throws(TPMError) -> (data: [UInt8], more: Bool) {
        var more = TPMI_YES_NO(0)
        var data: UnsafeMutablePointer<TPMS_CAPABILITY_DATA>?
        try unsafe run("TPM2_GetCapability") {
            unsafe Esys_GetCapability(
                $0, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, capability, property, count, &more, &data)
        }
        let bytes = try unsafe Self.take(data, "TPM2_GetCapability") { (pointer) throws(TPMError) in
            try unsafe Self.marshal("TPM2_GetCapability") {
                unsafe Tss2_MU_TPMS_CAPABILITY_DATA_Marshal(pointer, $0, $1, $2)
            }
        }
        return (bytes, more != 0)
    }

    /// One answer of TPM2_PCR_Read: at most eight digests, in the order of `selection`.
    borrowing func readPCRs(
        _ selection: TPMLPCRSelection
    ) throws(TPMError) -> (updateCounter: UInt32, selection: [UInt8], digests: [UInt8]) {
        var wanted = try Self.nativeSelection(selection)
        var counter: UInt32 = 0
        var read: UnsafeMutablePointer<TPML_PCR_SELECTION>?
        var values: UnsafeMutablePointer<TPML_DIGEST>?
        try unsafe run("TPM2_PCR_Read") {
            unsafe Esys_PCR_Read(
                $0, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted, &counter, &read, &values)
        }
        let readResult = Result { () throws(TPMError) in
            try unsafe Self.take(read, "TPM2_PCR_Read") { (pointer) throws(TPMError) in
                try unsafe Self.marshal("TPM2_PCR_Read") {
                    unsafe Tss2_MU_TPML_PCR_SELECTION_Marshal(pointer, $0, $1, $2)
                }
            }
        }
        let valuesResult = Result { () throws(TPMError) in
            try unsafe Self.take(values, "TPM2_PCR_Read") { (pointer) throws(TPMError) in
                try unsafe Self.marshal("TPM2_PCR_Read") { unsafe Tss2_MU_TPML_DIGEST_Marshal(pointer, $0, $1, $2) }
            }
        }
        return (counter, try readResult.get(), try valuesResult.get())
    }

    /// A marshalled TPMS_TIME_INFO.
    borrowing func readClock() throws(TPMError) -> [UInt8] {
        var time: UnsafeMutablePointer<TPMS_TIME_INFO>?
        try unsafe run("TPM2_ReadClock") {
            unsafe Esys_ReadClock($0, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &time)
        }
        return try unsafe Self.take(time, "TPM2_ReadClock") { (pointer) throws(TPMError) in
            try unsafe Self.marshal("TPM2_ReadClock") { unsafe Tss2_MU_TPMS_TIME_INFO_Marshal(pointer, $0, $1, $2) }
        }
    }

    /// A marshalled TPM2B_NV_PUBLIC.
    borrowing func readNVPublic(_ index: ESYS_TR) throws(TPMError) -> [UInt8] {
        var area: UnsafeMutablePointer<TPM2B_NV_PUBLIC>?
        var name: UnsafeMutablePointer<TPM2B_NAME>?
        try unsafe run("TPM2_NV_ReadPublic") {
            unsafe Esys_NV_ReadPublic($0, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, &name)
        }
        unsafe Esys_Free(name)
        return try unsafe Self.take(area, "TPM2_NV_ReadPublic") { (pointer) throws(TPMError) in
            try unsafe Self.marshal("TPM2_NV_ReadPublic") {
                unsafe Tss2_MU_TPM2B_NV_PUBLIC_Marshal(pointer, $0, $1, $2)
            }
        }
    }

    /// - Parameter authorization: the index itself or the owner, with the empty password.
    borrowing func readNV(
        _ index: ESYS_TR, authorization: ESYS_TR, offset: UInt16, count: UInt16
    ) throws(TPMError) -> [UInt8] {
        var data: UnsafeMutablePointer<TPM2B_MAX_NV_BUFFER>?
        try unsafe run("TPM2_NV_Read") {
            unsafe Esys_NV_Read(
                $0, authorization, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, count, offset, &data)
        }
        return try unsafe Self.take(data, "TPM2_NV_Read") { unsafe Self.bytes(ofTPM2B: $0) }
    }
}
