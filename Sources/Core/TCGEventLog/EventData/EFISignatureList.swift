internal import ByteParsing

/// EFI_SIGNATURE_LIST (UEFI 2.10, section 32.4.1): what PK, KEK, db, dbx and shim's lists consist of.
public struct EFISignatureList: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public let owner: EFIGUID
        /// A certificate or a hash, by the list's type.
        public let data: [UInt8]
    }

    public let type: EFIGUID
    /// SignatureHeader: never read as signatures.
    public let headerSize: Int
    public let entries: [Entry]

    static let fixedSize = 28
    private static let ownerSize = 16

    /// Reads the lists of one variable: sizes divide exactly and nothing is left over, or nothing is returned.
    ///
    /// - Throws: ``EventDataError`` with `LOG_SIGLIST`.
    public static func parse(_ data: Span<UInt8>, baseOffset: Int = 0) throws(EventDataError) -> [EFISignatureList] {
        do throws(ParsingError) {
            var reader = ByteReader(data, baseOffset: baseOffset)
            var lists: [EFISignatureList] = []
            while !reader.isAtEnd { lists.append(try EFISignatureList(reading: &reader)) }
            return lists
        } catch {
            throw EventDataError(.signatureList, error)
        }
    }

    private init(reading reader: inout ByteReader) throws(ParsingError) {
        type = try EFIGUID(reading: &reader, "EFI_SIGNATURE_LIST.SignatureType")
        let listSize = Int(try reader.readLittleEndian(UInt32.self, "EFI_SIGNATURE_LIST.SignatureListSize"))
        let headerSize = Int(try reader.readLittleEndian(UInt32.self, "EFI_SIGNATURE_LIST.SignatureHeaderSize"))
        let entrySize = Int(try reader.readLittleEndian(UInt32.self, "EFI_SIGNATURE_LIST.SignatureSize"))
        guard listSize >= Self.fixedSize, listSize - Self.fixedSize <= reader.remaining else {
            throw reader.error(
                "EFI_SIGNATURE_LIST.SignatureListSize", back: 12,
                .outOfRange(value: UInt64(listSize), limit: UInt64(Self.fixedSize + reader.remaining)))
        }
        let body = listSize - Self.fixedSize
        guard headerSize <= body else {
            throw reader.error(
                "EFI_SIGNATURE_LIST.SignatureHeaderSize", back: 8,
                .outOfRange(value: UInt64(headerSize), limit: UInt64(body)))
        }
        guard entrySize > Self.ownerSize, (body - headerSize) % entrySize == 0 else {
            throw reader.error(
                "EFI_SIGNATURE_LIST.SignatureSize", back: 4,
                .malformed("size \(entrySize) does not divide \(body - headerSize) bytes of signatures"))
        }
        guard type != .certSHA256 || entrySize == Self.ownerSize + 32 else {
            throw reader.error(
                "EFI_SIGNATURE_LIST.SignatureSize", back: 4,
                .malformed("a SHA-256 entry has 48 bytes, not \(entrySize)"))
        }
        try reader.skip(headerSize, "EFI_SIGNATURE_LIST.SignatureHeader")
        var entries: [Entry] = []
        entries.reserveCapacity((body - headerSize) / entrySize)
        for _ in 0..<(body - headerSize) / entrySize {
            let owner = try EFIGUID(reading: &reader, "EFI_SIGNATURE_DATA.SignatureOwner")
            entries.append(
                Entry(
                    owner: owner,
                    data: try reader.readBytes(entrySize - Self.ownerSize, "EFI_SIGNATURE_DATA.SignatureData")))
        }
        self.headerSize = headerSize
        self.entries = entries
    }
}
