internal import ByteParsing

/// EFI_SIGNATURE_LIST (UEFI 2.10, section 32.4.1): what PK, KEK, db, dbx and shim's lists consist of.
public struct EFISignatureList: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public let owner: EFIGUID
        /// A certificate or a hash, by the list's type.
        public let data: [UInt8]

        public init(owner: EFIGUID, data: [UInt8]) {
            self.owner = owner
            self.data = data
        }
    }

    public let type: EFIGUID
    /// SignatureHeader: never read as signatures. Empty for every type that is defined today, and refused there otherwise.
    public let header: [UInt8]
    public var headerSize: Int { header.count }
    public let entries: [Entry]

    /// nil for a type that the specification does not name.
    public var signatureType: SignatureType? { SignatureType(type) }
    /// `sha256`, `x509`, …; for an unknown type its GUID.
    public var typeName: String { signatureType?.rawValue ?? type.description }

    /// A list without a header.
    ///
    /// - Returns: nil unless all entries have one size, and that of the type.
    public init?(_ type: SignatureType, entries: [Entry]) {
        guard let size = entries.first?.data.count, entries.allSatisfy({ $0.data.count == size }),
            type.dataSize == nil || type.dataSize == size
        else { return nil }
        self.type = type.guid
        header = []
        self.entries = entries
    }

    /// The list in its binary form.
    public var marshalled: [UInt8] {
        let entrySize = Self.ownerSize + (entries.first?.data.count ?? emptyEntrySize)
        let size = Self.fixedSize + header.count + entries.count * entrySize
        var bytes = type.bytes
        for value in [size, header.count, entrySize] {
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        bytes += header
        for entry in entries { bytes += entry.owner.bytes + entry.data }
        return bytes
    }

    private var emptyEntrySize: Int { signatureType?.dataSize ?? 1 }

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
        // Of every type that is defined the header is empty: what stood there could only be meant to be misread (EL-17).
        guard headerSize == 0 || SignatureType(type) == nil else {
            throw reader.error(
                "EFI_SIGNATURE_LIST.SignatureHeaderSize", back: 8, .outOfRange(value: UInt64(headerSize), limit: 0))
        }
        if let known = SignatureType(type), let size = known.dataSize, entrySize != Self.ownerSize + size {
            throw reader.error(
                "EFI_SIGNATURE_LIST.SignatureSize", back: 4,
                .malformed("an entry of type \(known.rawValue) has \(Self.ownerSize + size) bytes, not \(entrySize)"))
        }
        header = try reader.readBytes(headerSize, "EFI_SIGNATURE_LIST.SignatureHeader")
        var entries: [Entry] = []
        entries.reserveCapacity((body - headerSize) / entrySize)
        for _ in 0..<(body - headerSize) / entrySize {
            let owner = try EFIGUID(reading: &reader, "EFI_SIGNATURE_DATA.SignatureOwner")
            entries.append(
                Entry(
                    owner: owner,
                    data: try reader.readBytes(entrySize - Self.ownerSize, "EFI_SIGNATURE_DATA.SignatureData")))
        }
        self.entries = entries
    }
}
