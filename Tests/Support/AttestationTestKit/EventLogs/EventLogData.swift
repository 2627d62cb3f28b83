import ByteParsing

/// The data of single events, true or false.
public enum EventLogData {
    public static let globalVariable: [UInt8] = [
        0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11, 0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C,
    ]
    public static let imageSecurityDatabase: [UInt8] = [
        0xCB, 0xB2, 0x19, 0xD7, 0x3A, 0x3D, 0x96, 0x45, 0xA3, 0xBC, 0xDA, 0xD0, 0x0E, 0x67, 0x65, 0x6F,
    ]
    public static let certSHA256: [UInt8] = [
        0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40, 0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43, 0x28,
    ]

    public static func utf16(_ text: String) -> [UInt8] { units(Array(text.utf16)) }

    public static func units(_ units: [UInt16]) -> [UInt8] {
        units.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    /// UEFI_VARIABLE_DATA; the lengths may lie.
    public static func variable(
        _ name: String, vendor: [UInt8] = globalVariable, value: [UInt8], nameUnits: [UInt16]? = nil,
        nameLength: UInt64? = nil, valueLength: UInt64? = nil
    ) -> [UInt8] {
        let units = nameUnits ?? Array(name.utf16)
        var writer = ByteWriter()
        writer.write(vendor)
        writer.writeLittleEndian(nameLength ?? UInt64(units.count))
        writer.writeLittleEndian(valueLength ?? UInt64(value.count))
        writer.write(self.units(units))
        writer.write(value)
        return writer.bytes
    }

    /// EFI_SIGNATURE_LIST of SHA-256 hashes; the sizes may lie.
    public static func signatureList(
        hashes: [[UInt8]], header: [UInt8] = [], type: [UInt8] = certSHA256, listSize: UInt32? = nil,
        headerSize: UInt32? = nil, entrySize: UInt32 = 48
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(type)
        writer.writeLittleEndian(listSize ?? UInt32(28 + header.count + hashes.count * 48))
        writer.writeLittleEndian(headerSize ?? UInt32(header.count))
        writer.writeLittleEndian(entrySize)
        writer.write(header)
        for hash in hashes {
            writer.write([UInt8](repeating: 0x77, count: 16))
            writer.write(hash)
        }
        return writer.bytes
    }

    /// UEFI_IMAGE_LOAD_EVENT of a file.
    public static func imageLoad(file: String, length: UInt64 = 4096) -> [UInt8] {
        let path = devicePath(file: file)
        var writer = ByteWriter()
        for value in [0x1000, length, 0, UInt64(path.count)] { writer.writeLittleEndian(value) }
        writer.write(path)
        return writer.bytes
    }

    /// A file node and the end node.
    public static func devicePath(file: String) -> [UInt8] {
        let name = utf16(file) + [0, 0]
        return [4, 4] + units([UInt16(name.count + 4)]) + name + [0x7F, 0xFF, 4, 0]
    }

    /// TCG_PCClientTaggedEvent nested in itself, the innermost empty.
    public static func nestedTaggedEvents(depth: Int) -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: depth * 8)
        for level in 0..<depth {
            writer.writeLittleEndian(UInt32(0x4001_0001))
            writer.writeLittleEndian(UInt32((depth - level - 1) * 8))
        }
        return writer.bytes
    }
}
