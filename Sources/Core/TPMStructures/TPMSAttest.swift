public import ByteParsing

/// Reset and restart counters and the clock (Part 2, section 10.11.1, TPMS_CLOCK_INFO).
public struct TPMSClockInfo: Hashable, Sendable {
    /// Milliseconds that the TPM has been powered; falls only with TPM2_Clear or an unsafe stop.
    public var clock: UInt64
    public var resetCount: UInt32
    public var restartCount: UInt32
    /// False when the clock may have run higher before an orderly shutdown was missed.
    public var safe: Bool

    public init(clock: UInt64, resetCount: UInt32, restartCount: UInt32, safe: Bool) {
        self.clock = clock
        self.resetCount = resetCount
        self.restartCount = restartCount
        self.safe = safe
    }

    init(reading reader: inout ByteReader) throws(ParsingError) {
        clock = try reader.readBigEndian("TPMS_CLOCK_INFO.clock")
        resetCount = try reader.readBigEndian("TPMS_CLOCK_INFO.resetCount")
        restartCount = try reader.readBigEndian("TPMS_CLOCK_INFO.restartCount")
        let flag = try reader.readUInt8("TPMS_CLOCK_INFO.safe")
        guard flag <= 1 else {
            throw reader.error("TPMS_CLOCK_INFO.safe", back: 1, .unknownValue(UInt64(flag)))
        }
        safe = flag == 1
    }

    func write(to writer: inout ByteWriter) {
        writer.writeBigEndian(clock)
        writer.writeBigEndian(resetCount)
        writer.writeBigEndian(restartCount)
        writer.writeBigEndian(UInt8(safe ? 1 : 0))
    }
}

/// What a quote attests (Part 2, section 10.12.4, TPMS_QUOTE_INFO).
public struct TPMSQuoteInfo: Hashable, Sendable {
    public var pcrSelect: TPMLPCRSelection
    /// Digest of the selected values, by the signature's hash algorithm.
    public var pcrDigest: [UInt8]

    public init(pcrSelect: TPMLPCRSelection, pcrDigest: [UInt8]) {
        self.pcrSelect = pcrSelect
        self.pcrDigest = pcrDigest
    }
}

/// What TPM2_Certify attests (Part 2, section 10.12.3, TPMS_CERTIFY_INFO).
public struct TPMSCertifyInfo: Hashable, Sendable {
    public var name: TPM2BName
    public var qualifiedName: TPM2BName

    public init(name: TPM2BName, qualifiedName: TPM2BName) {
        self.name = name
        self.qualifiedName = qualifiedName
    }
}

/// A structure made and signed by a TPM (Part 2, section 10.12.12, TPMS_ATTEST).
///
/// Guarantees: every length is within its parent and its limit, and marshalling gives back the bytes that were read.
/// Does not say that a TPM made it: `magic` may hold any value, and nothing here looks at a signature.
public struct TPMSAttest: Hashable, Sendable {
    /// TPM_GENERATED_VALUE: a restricted key signs no foreign data that begins with it (Part 2, section 6.2).
    public static let generatedValue: UInt32 = 0xFF54_4347
    /// The largest qualifyingData, in bytes: TPM2B_DATA holds at most a TPMT_HA.
    public static let maxExtraDataSize = 2 + TPMTPublic.maxDigestSize

    /// TPM_ST_ATTEST_* (Part 2, section 6.9).
    public enum Kind {
        public static let nv: UInt16 = 0x8014
        public static let commandAudit: UInt16 = 0x8015
        public static let sessionAudit: UInt16 = 0x8016
        public static let certify: UInt16 = 0x8017
        public static let quote: UInt16 = 0x8018
        public static let time: UInt16 = 0x8019
        public static let creation: UInt16 = 0x801A
    }

    public enum Attested: Hashable, Sendable {
        case quote(TPMSQuoteInfo)
        case certify(TPMSCertifyInfo)
        /// Any other kind: its bytes, not looked at.
        case other(kind: UInt16, [UInt8])
    }

    public var magic: UInt32
    public var qualifiedSigner: TPM2BName
    public var extraData: [UInt8]
    public var clockInfo: TPMSClockInfo
    public var firmwareVersion: UInt64
    public var attested: Attested

    public init(
        magic: UInt32 = generatedValue, qualifiedSigner: TPM2BName, extraData: [UInt8], clockInfo: TPMSClockInfo,
        firmwareVersion: UInt64, attested: Attested
    ) {
        self.magic = magic
        self.qualifiedSigner = qualifiedSigner
        self.extraData = extraData
        self.clockInfo = clockInfo
        self.firmwareVersion = firmwareVersion
        self.attested = attested
    }

    /// Reads a TPMS_ATTEST (without the size of TPM2B_ATTEST) and nothing after it.
    public init(marshalled bytes: [UInt8]) throws(ParsingError) {
        var reader = ByteReader(bytes.span)
        magic = try reader.readBigEndian("TPMS_ATTEST.magic")
        let kind: UInt16 = try reader.readBigEndian("TPMS_ATTEST.type")
        qualifiedSigner = try TPM2BName(reading: &reader, "TPMS_ATTEST.qualifiedSigner")
        extraData = try reader.readTPM2B("TPMS_ATTEST.extraData", max: Self.maxExtraDataSize)
        clockInfo = try TPMSClockInfo(reading: &reader)
        firmwareVersion = try reader.readBigEndian("TPMS_ATTEST.firmwareVersion")
        switch kind {
        case Kind.quote:
            attested = .quote(
                TPMSQuoteInfo(
                    pcrSelect: try TPMLPCRSelection(reading: &reader),
                    pcrDigest: try reader.readTPM2B("TPMS_QUOTE_INFO.pcrDigest", max: TPMTPublic.maxDigestSize)))
        case Kind.certify:
            attested = .certify(
                TPMSCertifyInfo(
                    name: try TPM2BName(reading: &reader, "TPMS_CERTIFY_INFO.name"),
                    qualifiedName: try TPM2BName(reading: &reader, "TPMS_CERTIFY_INFO.qualifiedName")))
        default: attested = .other(kind: kind, reader.readRemaining())
        }
        try reader.expectEnd("TPMS_ATTEST")
    }

    /// The TPM_ST_ATTEST_* tag.
    public var kind: UInt16 {
        switch attested {
        case .quote: Kind.quote
        case .certify: Kind.certify
        case .other(let kind, _): kind
        }
    }

    public var marshalled: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 192)
        writer.writeBigEndian(magic)
        writer.writeBigEndian(kind)
        writer.writeSized(qualifiedSigner.bytes)
        writer.writeSized(extraData)
        clockInfo.write(to: &writer)
        writer.writeBigEndian(firmwareVersion)
        switch attested {
        case .quote(let info):
            info.pcrSelect.write(to: &writer)
            writer.writeSized(info.pcrDigest)
        case .certify(let info):
            writer.writeSized(info.name.bytes)
            writer.writeSized(info.qualifiedName.bytes)
        case .other(_, let bytes): writer.write(bytes)
        }
        return writer.bytes
    }
}
