public import ByteParsing
internal import TPMCryptography
public import TPMStructures

/// A PE/COFF image (Microsoft PE Format, "PE Header", "Optional Header", "Section Table"; PE32 and PE32+, any machine), read
/// only as far as measuring it needs: shim, boot loaders, kernels with an EFI stub, unified kernel images.
///
/// Guarantees: headers, every section's data and the certificate table lie inside the bytes, sections do not overlap, and the
/// certificate table, where there is one, is the image's end. Says nothing about signatures.
public struct PEImage: Sendable {
    /// Above every kernel and unified kernel image that occurs; equals the operators' cap for a file.
    public static let maximumSize = 64 << 20
    /// The Windows loader's own limit.
    public static let maximumSections = 96
    /// How far a section may reach beyond its data in the file: memory there is zero.
    public static let maximumZeroFill = 1 << 20

    public struct Section: Hashable, Sendable {
        /// Up to eight bytes without trailing NULs.
        public let name: String
        /// Size in memory, in bytes.
        public let virtualSize: Int
        /// Where the data lies in the file.
        public let range: Range<Int>
    }

    public enum Format: Hashable, Sendable { case pe32, pe32Plus }

    public let bytes: [UInt8]
    public let format: Format
    /// IMAGE_FILE_MACHINE_*: 0x8664 x86-64, 0xAA64 AArch64.
    public let machine: UInt16
    /// In the order of the section table.
    public let sections: [Section]
    /// The attribute certificate table; empty where the image is not signed.
    public let certificateTable: Range<Int>
    private let checksum: Range<Int>
    /// nil where the optional header ends before it.
    private let certificateEntry: Range<Int>?
    private let headersSize: Int

    /// - Throws: ``ParsingError`` with field and offset in the file.
    public init(parsing bytes: [UInt8]) throws(ParsingError) {
        guard bytes.count <= Self.maximumSize else {
            throw ParsingError(
                field: "PE image", offset: 0,
                problem: .outOfRange(value: UInt64(bytes.count), limit: UInt64(Self.maximumSize)))
        }
        var reader = ByteReader(bytes.span)
        guard try reader.readBytes(2, "IMAGE_DOS_HEADER.e_magic") == Array("MZ".utf8) else {
            throw reader.error("IMAGE_DOS_HEADER.e_magic", back: 2, .malformed("is not MZ"))
        }
        try reader.skip(0x3A, "IMAGE_DOS_HEADER")
        let start = Int(try reader.readLittleEndian(UInt32.self, "IMAGE_DOS_HEADER.e_lfanew"))
        guard start >= reader.offset else {
            throw reader.error(
                "IMAGE_DOS_HEADER.e_lfanew", back: 4, .malformed("the PE header lies inside the DOS header"))
        }
        try reader.skip(start - reader.offset, "IMAGE_NT_HEADERS")
        guard try reader.readBytes(4, "IMAGE_NT_HEADERS.Signature") == Array("PE\0\0".utf8) else {
            throw reader.error("IMAGE_NT_HEADERS.Signature", back: 4, .malformed("is not PE"))
        }
        machine = try reader.readLittleEndian(UInt16.self, "IMAGE_FILE_HEADER.Machine")
        let count = Int(try reader.readLittleEndian(UInt16.self, "IMAGE_FILE_HEADER.NumberOfSections"))
        guard (1...Self.maximumSections).contains(count) else {
            throw reader.error(
                "IMAGE_FILE_HEADER.NumberOfSections", back: 2,
                .outOfRange(value: UInt64(count), limit: UInt64(Self.maximumSections)))
        }
        try reader.skip(12, "IMAGE_FILE_HEADER")
        let optionalSize = Int(try reader.readLittleEndian(UInt16.self, "IMAGE_FILE_HEADER.SizeOfOptionalHeader"))
        try reader.skip(2, "IMAGE_FILE_HEADER.Characteristics")
        var optional = try reader.readSlice(optionalSize, "IMAGE_OPTIONAL_HEADER")
        let header = try OptionalHeader(reading: &optional)
        format = header.format
        checksum = header.checksum
        certificateEntry = header.certificateEntry
        headersSize = header.headersSize

        var sections: [Section] = []
        for index in 0..<count { sections.append(try Self.section(&reader, index, size: bytes.count)) }
        guard headersSize >= reader.offset, headersSize <= bytes.count else {
            throw ParsingError(
                field: "IMAGE_OPTIONAL_HEADER.SizeOfHeaders", offset: header.headersSizeOffset,
                problem: .outOfRange(value: UInt64(headersSize), limit: UInt64(bytes.count)))
        }
        self.sections = sections
        var end = headersSize
        for section in Self.inFileOrder(sections) {
            guard section.range.lowerBound >= end else {
                throw ParsingError(
                    field: "IMAGE_SECTION_HEADER.PointerToRawData", offset: section.range.lowerBound,
                    problem: .malformed("section \(section.name) overlaps what lies before it"))
            }
            end = section.range.upperBound
        }
        certificateTable = try Self.certificates(header, end, bytes.count)
        self.bytes = bytes
    }

    private static func section(
        _ reader: inout ByteReader, _ index: Int, size: Int
    ) throws(ParsingError) -> Section {
        let field = "IMAGE_SECTION_HEADER[\(index)]"
        let name = try reader.readBytes(8, "\(field).Name").prefix { $0 != 0 }
        let virtualSize = Int(try reader.readLittleEndian(UInt32.self, "\(field).VirtualSize"))
        try reader.skip(4, "\(field).VirtualAddress")
        let rawSize = Int(try reader.readLittleEndian(UInt32.self, "\(field).SizeOfRawData"))
        let pointer = Int(try reader.readLittleEndian(UInt32.self, "\(field).PointerToRawData"))
        guard rawSize == 0 || pointer <= size && rawSize <= size - pointer else {
            throw reader.error(
                "\(field).SizeOfRawData", back: 8,
                .outOfRange(value: UInt64(pointer) + UInt64(rawSize), limit: UInt64(size)))
        }
        try reader.skip(16, field)
        return Section(
            name: String(decoding: name, as: UTF8.self), virtualSize: virtualSize,
            range: rawSize == 0 ? 0..<0 : pointer..<pointer + rawSize)
    }

    private static func certificates(
        _ header: OptionalHeader, _ end: Int, _ size: Int
    ) throws(ParsingError) -> Range<Int> {
        guard let entry = header.certificateEntry, header.certificateSize > 0 else { return size..<size }
        let (start, length) = (header.certificateOffset, header.certificateSize)
        guard start >= end, start <= size, length == size - start else {
            throw ParsingError(
                field: "IMAGE_DIRECTORY_ENTRY_SECURITY", offset: entry.lowerBound,
                problem: .malformed(
                    "the certificate table at \(start) of \(length) bytes is not the image's end (\(size) bytes)"))
        }
        return start..<size
    }

    private static func inFileOrder(_ sections: [Section]) -> [Section] {
        sections.filter { !$0.range.isEmpty }.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    // MARK: Measuring

    /// What firmware and shim hash when they measure the image (Windows Authenticode Portable Executable Signature Format,
    /// "Calculating the PE Image Hash"): headers without checksum and certificate entry, sections by file offset, then what
    /// lies behind them up to the certificate table. No padding is added: signed files are padded already.
    public var authenticodeContent: [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(bytes.count)
        content += bytes[..<checksum.lowerBound]
        if let certificateEntry {
            content += bytes[checksum.upperBound..<certificateEntry.lowerBound]
            content += bytes[certificateEntry.upperBound..<headersSize]
        } else {
            content += bytes[checksum.upperBound..<headersSize]
        }
        var hashed = headersSize
        for section in Self.inFileOrder(sections) {
            content += bytes[section.range]
            hashed += section.range.count
        }
        // As firmware does it: a count of bytes, not an offset; gaps between sections shift it.
        if hashed < certificateTable.lowerBound { content += bytes[hashed..<certificateTable.lowerBound] }
        return content
    }

    /// The Authenticode digest: PCR 4, db, dbx.
    public func authenticodeDigests(_ banks: [PCRBank]) -> [PCRBank: Digest] {
        let content = authenticodeContent
        return Dictionary(banks.map { ($0, MessageDigest.hash(content, $0)) }) { first, _ in first }
    }

    /// A section's content in memory, `virtualSize` bytes; nil when there is none of that name, or it reaches more than
    /// ``maximumZeroFill`` beyond its data.
    public func content(ofSection name: String) -> [UInt8]? {
        guard let section = sections.first(where: { $0.name == name }),
            section.virtualSize <= section.range.count + Self.maximumZeroFill
        else { return nil }
        let data = bytes[section.range].prefix(section.virtualSize)
        return Array(data) + [UInt8](repeating: 0, count: section.virtualSize - data.count)
    }
}

/// The fields of IMAGE_OPTIONAL_HEADER32 and 64 that measuring needs.
private struct OptionalHeader {
    var format: PEImage.Format
    var headersSize: Int
    var headersSizeOffset: Int
    var checksum: Range<Int>
    var certificateEntry: Range<Int>?
    var certificateOffset = 0
    var certificateSize = 0

    /// The format's own number of data directories.
    private static let maximumDirectories = 16
    private static let securityDirectory: UInt32 = 4

    init(reading reader: inout ByteReader) throws(ParsingError) {
        let magic = try reader.readLittleEndian(UInt16.self, "IMAGE_OPTIONAL_HEADER.Magic")
        switch magic {
        case 0x10B: format = .pe32
        case 0x20B: format = .pe32Plus
        default: throw reader.error("IMAGE_OPTIONAL_HEADER.Magic", back: 2, .unknownValue(UInt64(magic)))
        }
        try reader.skip(58, "IMAGE_OPTIONAL_HEADER")
        headersSizeOffset = reader.offset
        headersSize = Int(try reader.readLittleEndian(UInt32.self, "IMAGE_OPTIONAL_HEADER.SizeOfHeaders"))
        checksum = reader.offset..<reader.offset + 4
        try reader.skip(4, "IMAGE_OPTIONAL_HEADER.CheckSum")
        try reader.skip(format == .pe32 ? 24 : 40, "IMAGE_OPTIONAL_HEADER")
        let count = try reader.readLittleEndian(UInt32.self, "IMAGE_OPTIONAL_HEADER.NumberOfRvaAndSizes")
        guard count <= Self.maximumDirectories else {
            throw reader.error(
                "IMAGE_OPTIONAL_HEADER.NumberOfRvaAndSizes", back: 4,
                .outOfRange(value: UInt64(count), limit: UInt64(Self.maximumDirectories)))
        }
        guard count > Self.securityDirectory else { return }
        try reader.skip(Int(Self.securityDirectory) * 8, "IMAGE_DATA_DIRECTORY")
        certificateEntry = reader.offset..<reader.offset + 8
        certificateOffset = Int(try reader.readLittleEndian(UInt32.self, "IMAGE_DIRECTORY_ENTRY_SECURITY.offset"))
        certificateSize = Int(try reader.readLittleEndian(UInt32.self, "IMAGE_DIRECTORY_ENTRY_SECURITY.size"))
    }
}
