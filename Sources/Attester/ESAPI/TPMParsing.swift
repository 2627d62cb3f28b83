internal import ByteParsing
internal import TPMStructures

/// Readers of what tpm2-tss marshals from TPM answers. The TPM is not trusted to be well-formed (AG-12).
enum TPMParsing {
    static func parse<Value>(
        _ command: String, _ bytes: [UInt8], _ body: (inout ByteReader) throws(ParsingError) -> Value
    ) throws(TPMError) -> Value {
        do {
            var reader = ByteReader(bytes.span)
            let value = try body(&reader)
            try reader.expectEnd(command)
            return value
        } catch {
            throw TPMError(command, .malformedResponse(error.description))
        }
    }

    static func publicArea(_ bytes: [UInt8]) throws(TPMError) -> TPMTPublic {
        do { return try TPMTPublic(tpmtPublic: bytes) } catch {
            throw TPMError("TPM2_ReadPublic", .malformedResponse(error.description))
        }
    }

    /// TPMS_CAPABILITY_DATA of TPM_CAP_HANDLES (Part 2, section 10.10.2).
    static func handles(_ bytes: [UInt8]) throws(TPMError) -> [UInt32] {
        try parse("TPM2_GetCapability", bytes) { (reader) throws(ParsingError) in
            try reader.skip(4, "TPMS_CAPABILITY_DATA.capability")
            let count: UInt32 = try reader.readBigEndian("TPML_HANDLE.count")
            var handles: [UInt32] = []
            for _ in 0..<count { handles.append(try reader.readBigEndian("TPML_HANDLE.handle")) }
            return handles
        }
    }

    /// TPMS_CAPABILITY_DATA of TPM_CAP_TPM_PROPERTIES.
    static func properties(_ bytes: [UInt8]) throws(TPMError) -> [UInt32: UInt32] {
        try parse("TPM2_GetCapability", bytes) { (reader) throws(ParsingError) in
            try reader.skip(4, "TPMS_CAPABILITY_DATA.capability")
            let count: UInt32 = try reader.readBigEndian("TPML_TAGGED_TPM_PROPERTY.count")
            var properties: [UInt32: UInt32] = [:]
            for _ in 0..<count {
                let property: UInt32 = try reader.readBigEndian("TPMS_TAGGED_PROPERTY.property")
                properties[property] = try reader.readBigEndian("TPMS_TAGGED_PROPERTY.value")
            }
            return properties
        }
    }

    /// TPMS_CAPABILITY_DATA of TPM_CAP_PCRS. Banks of algorithms that this product does not know are left out; a bank
    /// that is implemented but not allocated is there with no PCR.
    static func banks(_ bytes: [UInt8]) throws(TPMError) -> [PCRBank: PCRSet] {
        try parse("TPM2_GetCapability", bytes) { (reader) throws(ParsingError) in
            try reader.skip(4, "TPMS_CAPABILITY_DATA.capability")
            return try selections(&reader)
        }
    }

    static func selections(_ reader: inout ByteReader) throws(ParsingError) -> [PCRBank: PCRSet] {
        let count: UInt32 = try reader.readBigEndian("TPML_PCR_SELECTION.count")
        var banks: [PCRBank: PCRSet] = [:]
        for _ in 0..<count {
            let algorithm = TPMAlgID(rawValue: try reader.readBigEndian("TPMS_PCR_SELECTION.hash"))
            let size = try reader.readUInt8("TPMS_PCR_SELECTION.sizeofSelect")
            var set = PCRSet()
            for (octet, bits) in try reader.readBytes(Int(size), "TPMS_PCR_SELECTION.pcrSelect").enumerated() {
                for bit in 0..<8 where bits >> UInt8(bit) & 1 == 1 {
                    if let index = PCRIndex(8 * octet + bit) { set.insert(index) }
                }
            }
            if let bank = PCRBank(algorithm) { banks[bank] = set }
        }
        return banks
    }

    /// TPML_DIGEST.
    static func digests(_ bytes: [UInt8]) throws(TPMError) -> [[UInt8]] {
        try parse("TPM2_PCR_Read", bytes) { (reader) throws(ParsingError) in
            let count: UInt32 = try reader.readBigEndian("TPML_DIGEST.count")
            var digests: [[UInt8]] = []
            for _ in 0..<count {
                let size: UInt16 = try reader.readBigEndian("TPM2B_DIGEST.size")
                digests.append(try reader.readBytes(Int(size), "TPM2B_DIGEST.buffer"))
            }
            return digests
        }
    }

    /// TPMS_TIME_INFO (Part 2, section 10.11.2).
    static func timeInfo(_ bytes: [UInt8]) throws(TPMError) -> TPMTimeInfo {
        try parse("TPM2_ReadClock", bytes) { (reader) throws(ParsingError) in
            let time: UInt64 = try reader.readBigEndian("TPMS_TIME_INFO.time")
            let clock: UInt64 = try reader.readBigEndian("TPMS_CLOCK_INFO.clock")
            let resets: UInt32 = try reader.readBigEndian("TPMS_CLOCK_INFO.resetCount")
            let restarts: UInt32 = try reader.readBigEndian("TPMS_CLOCK_INFO.restartCount")
            let safe = try reader.readUInt8("TPMS_CLOCK_INFO.safe")
            return TPMTimeInfo(
                time: time,
                clock: TPMSClockInfo(clock: clock, resetCount: resets, restartCount: restarts, safe: safe == 1))
        }
    }

    /// Attributes and size in bytes of a TPM2B_NV_PUBLIC (Part 2, section 13.6).
    static func nvPublic(_ bytes: [UInt8]) throws(TPMError) -> (attributes: UInt32, size: Int) {
        try parse("TPM2_NV_ReadPublic", bytes) { (reader) throws(ParsingError) in
            try reader.skip(8, "TPMS_NV_PUBLIC.nvIndex")
            let attributes: UInt32 = try reader.readBigEndian("TPMS_NV_PUBLIC.attributes")
            let policySize: UInt16 = try reader.readBigEndian("TPMS_NV_PUBLIC.authPolicy.size")
            try reader.skip(Int(policySize), "TPMS_NV_PUBLIC.authPolicy")
            let size: UInt16 = try reader.readBigEndian("TPMS_NV_PUBLIC.dataSize")
            return (attributes, Int(size))
        }
    }
}
