internal import ByteParsing

/// UEFI_PLATFORM_FIRMWARE_BLOB and …_BLOB2 (PFP 1.06, sections 10.2.6 and 10.2.7): where measured firmware lay.
public struct FirmwareBlob: Hashable, Sendable {
    /// Only BLOB2 has one; not escaped.
    public let blobDescription: String?
    public let base: UInt64
    public let length: UInt64

    init(parsing data: Span<UInt8>, baseOffset: Int, described: Bool) throws(EventDataError) {
        do throws(ParsingError) {
            var reader = ByteReader(data, baseOffset: baseOffset)
            blobDescription = described ? try readDescription(&reader, "UEFI_PLATFORM_FIRMWARE_BLOB2") : nil
            base = try reader.readLittleEndian(UInt64.self, "UEFI_PLATFORM_FIRMWARE_BLOB.BlobBase")
            length = try reader.readLittleEndian(UInt64.self, "UEFI_PLATFORM_FIRMWARE_BLOB.BlobLength")
            try reader.expectEnd("UEFI_PLATFORM_FIRMWARE_BLOB")
        } catch {
            throw EventDataError(.type, error)
        }
    }
}

/// UEFI_HANDOFF_TABLE_POINTERS and …_POINTERS2 (PFP 1.06, section 10.2.8): which configuration tables were measured.
public struct HandoffTables: Hashable, Sendable {
    /// Only POINTERS2 has one; not escaped.
    public let tableDescription: String?
    public let tables: [EFIGUID]

    private static let entrySize = 24

    init(parsing data: Span<UInt8>, baseOffset: Int, described: Bool) throws(EventDataError) {
        do throws(ParsingError) {
            var reader = ByteReader(data, baseOffset: baseOffset)
            tableDescription = described ? try readDescription(&reader, "UEFI_HANDOFF_TABLE_POINTERS2") : nil
            let count = try reader.readLittleEndian(UInt64.self, "UEFI_HANDOFF_TABLE_POINTERS.NumberOfTables")
            guard count == UInt64(reader.remaining / Self.entrySize) else {
                throw reader.error(
                    "UEFI_HANDOFF_TABLE_POINTERS.NumberOfTables", back: 8,
                    .malformed("\(count) entries of \(Self.entrySize) bytes are not \(reader.remaining) bytes"))
            }
            var tables: [EFIGUID] = []
            for _ in 0..<count {
                tables.append(try EFIGUID(reading: &reader, "EFI_CONFIGURATION_TABLE.VendorGuid"))
                try reader.skip(8, "EFI_CONFIGURATION_TABLE.VendorTable")
            }
            self.tables = tables
        } catch {
            throw EventDataError(.type, error)
        }
    }
}

private func readDescription(_ reader: inout ByteReader, _ structure: String) throws(ParsingError) -> String {
    let size = Int(try reader.readUInt8("\(structure).DescriptionSize"))
    return LogText.utf8(try reader.readBytes(size, "\(structure).Description")[...])
}
