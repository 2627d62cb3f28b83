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
