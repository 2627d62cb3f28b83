internal import ByteParsing

/// UEFI_GPT_DATA (PFP 1.06, section 10.4.3): header and used entries of the boot disk's partition table.
public struct EFIGPTEvent: Hashable, Sendable {
    public struct Partition: Hashable, Sendable {
        public let type: EFIGUID
        public let identifier: EFIGUID
        public let firstBlock: UInt64
        public let lastBlock: UInt64
        public let attributes: UInt64
        /// Not escaped.
        public let name: String
    }

    /// UEFI_PARTITION_TABLE_HEADER (UEFI 2.10, section 5.3.2).
    static let headerSize = 92
    static let minimumEntrySize = 128

    public let disk: EFIGUID
    public let partitions: [Partition]

    init(parsing data: Span<UInt8>, baseOffset: Int) throws(EventDataError) {
        do throws(ParsingError) {
            var reader = ByteReader(data, baseOffset: baseOffset)
            guard try reader.readBytes(8, "EFI_PARTITION_TABLE_HEADER.Signature") == Array("EFI PART".utf8) else {
                throw reader.error("EFI_PARTITION_TABLE_HEADER.Signature", back: 8, .malformed("is not \"EFI PART\""))
            }
            try reader.skip(48, "EFI_PARTITION_TABLE_HEADER")
            disk = try EFIGUID(reading: &reader, "EFI_PARTITION_TABLE_HEADER.DiskGUID")
            try reader.skip(12, "EFI_PARTITION_TABLE_HEADER.PartitionEntryLBA")
            let entrySize = Int(
                try reader.readLittleEndian(UInt32.self, "EFI_PARTITION_TABLE_HEADER.SizeOfPartitionEntry"))
            try reader.skip(4, "EFI_PARTITION_TABLE_HEADER.PartitionEntryArrayCRC32")
            let count = try reader.readLittleEndian(UInt64.self, "UEFI_GPT_DATA.NumberOfPartitions")
            guard entrySize >= Self.minimumEntrySize,
                count <= UInt64(reader.remaining / entrySize), Int(count) * entrySize == reader.remaining
            else {
                throw reader.error(
                    "UEFI_GPT_DATA.NumberOfPartitions", back: 8,
                    .malformed("\(count) entries of \(entrySize) bytes are not \(reader.remaining) bytes"))
            }
            var partitions: [Partition] = []
            for _ in 0..<count {
                partitions.append(
                    try reader.readSized(entrySize, "EFI_PARTITION_ENTRY") { entry throws(ParsingError) in
                        try Partition(reading: &entry)
                    })
            }
            self.partitions = partitions
        } catch {
            throw EventDataError(.type, error)
        }
    }
}

extension EFIGPTEvent.Partition {
    init(reading reader: inout ByteReader) throws(ParsingError) {
        type = try EFIGUID(reading: &reader, "EFI_PARTITION_ENTRY.PartitionTypeGUID")
        identifier = try EFIGUID(reading: &reader, "EFI_PARTITION_ENTRY.UniquePartitionGUID")
        firstBlock = try reader.readLittleEndian(UInt64.self, "EFI_PARTITION_ENTRY.StartingLBA")
        lastBlock = try reader.readLittleEndian(UInt64.self, "EFI_PARTITION_ENTRY.EndingLBA")
        attributes = try reader.readLittleEndian(UInt64.self, "EFI_PARTITION_ENTRY.Attributes")
        let units = LogText.codeUnits(try reader.readBytes(72, "EFI_PARTITION_ENTRY.PartitionName")[...])
        name = String(decoding: units.prefix { $0 != 0 }, as: UTF16.self)
        _ = reader.readRemaining()
    }
}
