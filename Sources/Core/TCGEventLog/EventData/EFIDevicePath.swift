internal import ByteParsing

/// A device path (UEFI 2.10, section 10): where an image or boot option lies, as a list of nodes.
public struct EFIDevicePath: Hashable, Sendable {
    public struct Node: Hashable, Sendable {
        public let type: UInt8
        public let subtype: UInt8
        public let data: [UInt8]
    }

    /// Real paths have at most about a dozen nodes, each one level deeper in the device tree.
    public static let maximumNodes = 64

    /// Without the end nodes.
    public let nodes: [Node]

    /// The path of the file on its volume, `\EFI\BOOT\grubx64.efi`; nil when no node is a file.
    public var filePath: String? {
        let parts = nodes.filter { $0.type == 4 && $0.subtype == 4 }.map { LogText.utf16($0.data[...]) }
        guard !parts.isEmpty else { return nil }
        return parts.dropFirst().reduce(parts[0]) { path, part in
            path.hasSuffix("\\") || part.hasPrefix("\\") ? path + part : path + "\\" + part
        }
    }

    /// - Parameter lenient: Keep the nodes before the first unreadable one instead of throwing `reason`: nothing covers
    ///   an image's path, and shim before 15.3 logs memory in its place.
    /// - Throws: `LOG_DEPTH` for more nodes than ``maximumNodes``, else `reason`.
    init(
        parsing data: Span<UInt8>, baseOffset: Int, reason: LogReason, lenient: Bool = false
    ) throws(EventDataError) {
        var reader = ByteReader(data, baseOffset: baseOffset)
        var nodes: [Node] = []
        while !reader.isAtEnd {
            guard nodes.count < Self.maximumNodes else {
                throw EventDataError(
                    .depth,
                    reader.error(
                        "EFI_DEVICE_PATH_PROTOCOL", back: 0,
                        .outOfRange(value: UInt64(nodes.count) + 1, limit: UInt64(Self.maximumNodes))))
            }
            do throws(ParsingError) {
                nodes.append(try Self.readNode(&reader))
            } catch {
                if lenient { break }
                throw EventDataError(reason, error)
            }
        }
        while let last = nodes.last, last.type == 0x7F { nodes.removeLast() }
        self.nodes = nodes
    }

    private static func readNode(_ reader: inout ByteReader) throws(ParsingError) -> Node {
        let type = try reader.readUInt8("EFI_DEVICE_PATH_PROTOCOL.Type")
        let subtype = try reader.readUInt8("EFI_DEVICE_PATH_PROTOCOL.SubType")
        let length = Int(try reader.readLittleEndian(UInt16.self, "EFI_DEVICE_PATH_PROTOCOL.Length"))
        guard length >= 4 else {
            throw reader.error(
                "EFI_DEVICE_PATH_PROTOCOL.Length", back: 2, .outOfRange(value: UInt64(length), limit: 4))
        }
        return Node(
            type: type, subtype: subtype, data: try reader.readBytes(length - 4, "EFI_DEVICE_PATH_PROTOCOL data"))
    }

    /// Text after UEFI 2.10, section 10.6, as far as boot paths need it; not escaped.
    public var text: String { nodes.map(\.text).joined(separator: "/") }
}

extension EFIDevicePath.Node {
    private func integer(_ offset: Int, _ size: Int) -> UInt64 {
        guard offset + size <= data.count else { return 0 }
        return data[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    private func guid(_ offset: Int) -> EFIGUID {
        guard offset + 16 <= data.count else { return EFIGUID([UInt8](repeating: 0, count: 16)) }
        return EFIGUID(Array(data[offset..<offset + 16]))
    }

    var text: String {
        switch (type, subtype) {
        case (1, 1): return "Pci(\(hex(integer(1, 1))),\(hex(integer(0, 1))))"
        case (1, 3): return "MemoryMapped(\(hex(integer(0, 4))),\(hex(integer(4, 8))),\(hex(integer(12, 8))))"
        case (2, 1):
            return integer(0, 4) == 0x0A03_41D0
                ? "PciRoot(\(hex(integer(4, 4))))" : "Acpi(\(hex(integer(0, 4))),\(hex(integer(4, 4))))"
        case (3, 2): return "Scsi(\(integer(0, 2)),\(integer(2, 2)))"
        case (3, 5): return "USB(\(hex(integer(0, 1))),\(hex(integer(1, 1))))"
        case (3, 11): return "MAC(\(Hex.encode(data.prefix(6))),\(hex(integer(32, 1))))"
        case (3, 12): return "IPv4(\(data.dropFirst(4).prefix(4).map { String($0) }.joined(separator: ".")))"
        case (3, 13): return "IPv6(\(Hex.encode(data.dropFirst(16).prefix(16))))"
        case (3, 18): return "Sata(\(hex(integer(0, 2))),\(hex(integer(2, 2))),\(hex(integer(4, 2))))"
        case (3, 23): return "NVMe(\(hex(integer(0, 4))),\(Hex.encode(data.dropFirst(4).prefix(8).reversed())))"
        case (3, 24): return "Uri(\(LogText.utf8(data[...])))"
        case (4, 1):
            let signature = integer(37, 1) == 2 ? "GPT,\(guid(20))" : "MBR,\(hex(integer(20, 4)))"
            return "HD(\(integer(0, 4)),\(signature),\(hex(integer(4, 8))),\(hex(integer(12, 8))))"
        case (4, 2): return "CDROM(\(hex(integer(0, 4))))"
        case (4, 3): return "VenMedia(\(guid(0)))"
        case (4, 4): return LogText.utf16(data[...])
        case (4, 6): return "FvFile(\(guid(0)))"
        case (4, 7): return "Fv(\(guid(0)))"
        case (4, 8): return "Offset(\(hex(integer(4, 8))),\(hex(integer(12, 8))))"
        case (4, 9): return "RamDisk(\(hex(integer(0, 8))),\(hex(integer(8, 8))))"
        case (5, 1): return "BBS(\(hex(integer(0, 2))),\(LogText.utf8(data.dropFirst(4))))"
        case (0x7F, _): return ","
        default: return "Path(\(type),\(subtype),\(Hex.encode(data.prefix(32))))"
        }
    }
}
