internal import ByteParsing

/// EFI_LOAD_OPTION (UEFI 2.10, section 3.1.3): the value of `Boot####`.
public struct EFILoadOption: Hashable, Sendable {
    public let attributes: UInt32
    /// As firmware's menu shows it; not escaped.
    public let optionDescription: String
    public let devicePath: EFIDevicePath
    public let optionalData: [UInt8]

    init(parsing value: Span<UInt8>, baseOffset: Int) throws(EventDataError) {
        var reader = ByteReader(value, baseOffset: baseOffset)
        let pathLength: Int
        do throws(ParsingError) {
            attributes = try reader.readLittleEndian(UInt32.self, "EFI_LOAD_OPTION.Attributes")
            pathLength = Int(try reader.readLittleEndian(UInt16.self, "EFI_LOAD_OPTION.FilePathListLength"))
            var units: [UInt16] = []
            while true {
                let unit = try reader.readLittleEndian(UInt16.self, "EFI_LOAD_OPTION.Description")
                if unit == 0 { break }
                units.append(unit)
            }
            optionDescription = String(decoding: units, as: UTF16.self)
        } catch {
            throw EventDataError(.variable, error)
        }
        let pathStart = reader.offset - baseOffset
        guard pathLength <= reader.remaining else {
            throw EventDataError(
                .variable,
                reader.error(
                    "EFI_LOAD_OPTION.FilePathList",
                    .truncated(needed: pathLength, remaining: reader.remaining)))
        }
        devicePath = try EFIDevicePath(
            parsing: value.extracting(pathStart..<pathStart + pathLength), baseOffset: baseOffset + pathStart,
            reason: .variable)
        let rest = value.extracting(pathStart + pathLength..<value.count)
        var tail = ByteReader(rest)
        optionalData = tail.readRemaining()
    }
}
