internal import ByteParsing

/// UEFI_VARIABLE_DATA (PFP 1.06, section 10.4.2.1): a variable as firmware measured it.
public struct UEFIVariableData: Hashable, Sendable {
    /// Longer names do not occur; UEFI 2.10 sets no limit. In UTF-16 code units.
    public static let maximumNameLength = 1024

    public let vendor: EFIGUID
    /// Exactly as logged: may hold NULs or lone surrogates; compare with ``name`` only where ``nameIsPlain``.
    public let nameUnits: [UInt16]
    /// The variable's value, in the log's bytes.
    public let valueRange: Range<Int>
    /// Bytes behind the structure: shim before 15.3 logs its padding, and one byte more than it hashes. Else 0.
    public let trailingBytes: Int

    /// What the structure's padding in old shims amounts to, with room for their off-by-one.
    static let maximumPadding = 8

    /// Lone surrogates become U+FFFD.
    public var name: String { String(decoding: nameUnits, as: UTF16.self) }
    /// Whether the name is valid UTF-16 without NUL.
    public var nameIsPlain: Bool { !nameUnits.contains(0) && Array(name.utf16) == nameUnits }

    /// - Parameter padded: Accept up to ``maximumPadding`` trailing bytes, as old shims log them.
    init(parsing data: Span<UInt8>, baseOffset: Int, padded: Bool) throws(EventDataError) {
        do throws(ParsingError) {
            var reader = ByteReader(data, baseOffset: baseOffset)
            vendor = try EFIGUID(reading: &reader, "UEFI_VARIABLE_DATA.VariableName")
            let nameLength = try reader.readLittleEndian(UInt64.self, "UEFI_VARIABLE_DATA.UnicodeNameLength")
            guard nameLength <= UInt64(Self.maximumNameLength) else {
                throw reader.error(
                    "UEFI_VARIABLE_DATA.UnicodeNameLength", back: 8,
                    .outOfRange(value: nameLength, limit: UInt64(Self.maximumNameLength)))
            }
            let valueLength = try reader.readLittleEndian(UInt64.self, "UEFI_VARIABLE_DATA.VariableDataLength")
            nameUnits = LogText.codeUnits(
                try reader.readBytes(Int(nameLength) * 2, "UEFI_VARIABLE_DATA.UnicodeName")[...])
            guard valueLength <= UInt64(reader.remaining) else {
                throw reader.error(
                    "UEFI_VARIABLE_DATA.VariableDataLength", back: Int(nameLength) * 2 + 8,
                    .outOfRange(value: valueLength, limit: UInt64(reader.remaining)))
            }
            valueRange = reader.offset..<reader.offset + Int(valueLength)
            try reader.skip(Int(valueLength), "UEFI_VARIABLE_DATA.VariableData")
            if !padded || reader.remaining > Self.maximumPadding { try reader.expectEnd("UEFI_VARIABLE_DATA") }
            trailingBytes = reader.remaining
        } catch {
            throw EventDataError(.variable, error)
        }
    }
}
