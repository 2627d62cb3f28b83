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
    /// 1 where shim before version 15.3 logged one byte too many (it hashes all but that byte), else 0.
    public let trailingBytes: Int

    /// Lone surrogates become U+FFFD.
    public var name: String { String(decoding: nameUnits, as: UTF16.self) }
    /// Whether the name is valid UTF-16 without NUL.
    public var nameIsPlain: Bool { !nameUnits.contains(0) && Array(name.utf16) == nameUnits }

    init(parsing data: Span<UInt8>, baseOffset: Int) throws(EventDataError) {
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
            if reader.remaining > 1 { try reader.expectEnd("UEFI_VARIABLE_DATA") }
            trailingBytes = reader.remaining
        } catch {
            throw EventDataError(.variable, error)
        }
    }
}
