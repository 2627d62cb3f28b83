import AttestationTestKit
import ByteParsing
import TCGEventLog
import TPMStructures
import Testing

@Suite("Device paths")
struct DevicePathTests {
    struct NodeCase: CustomTestStringConvertible, Sendable {
        let type: UInt8
        let subtype: UInt8
        let data: [UInt8]
        let text: String
        var testDescription: String { text }
    }

    private static let guid: [UInt8] = [
        0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11, 0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C,
    ]
    private static let guidText = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    static let nodes: [NodeCase] = [
        NodeCase(type: 1, subtype: 1, data: [2, 0x1F], text: "Pci(0x1f,0x2)"),
        NodeCase(type: 1, subtype: 4, data: guid + [1, 2], text: "VenHw(\(guidText),0102)"),
        NodeCase(type: 1, subtype: 5, data: [7, 0, 0, 0], text: "Ctrl(0x7)"),
        NodeCase(type: 2, subtype: 1, data: [0xD0, 0x41, 3, 0x0A, 1, 0, 0, 0], text: "PciRoot(0x1)"),
        NodeCase(type: 2, subtype: 1, data: [0xD0, 0x41, 8, 0x0A, 0, 0, 0, 0], text: "PcieRoot(0x0)"),
        NodeCase(type: 2, subtype: 3, data: [0, 0, 1, 0x80], text: "AcpiAdr(0x80010000)"),
        NodeCase(type: 3, subtype: 1, data: [1, 0, 3, 0], text: "Ata(1,0,3)"),
        NodeCase(type: 3, subtype: 2, data: [1, 0, 2, 0], text: "Scsi(1,2)"),
        NodeCase(type: 3, subtype: 5, data: [3, 1], text: "USB(0x3,0x1)"),
        NodeCase(type: 3, subtype: 10, data: guid, text: "VenMsg(\(guidText))"),
        NodeCase(
            type: 3, subtype: 11, data: [0x52, 0x54, 0, 0x12, 0x34, 0x56] + zeros(26) + [1],
            text: "MAC(525400123456,0x1)"),
        NodeCase(type: 3, subtype: 12, data: [0, 0, 0, 0, 10, 0, 2, 2] + zeros(15), text: "IPv4(10.0.2.2)"),
        NodeCase(type: 3, subtype: 17, data: [4], text: "Unit(0x4)"),
        NodeCase(type: 3, subtype: 18, data: [1, 0, 0xFF, 0xFF, 0, 0], text: "Sata(0x1,0xffff,0x0)"),
        NodeCase(type: 3, subtype: 20, data: [0x64, 0], text: "Vlan(100)"),
        NodeCase(type: 3, subtype: 23, data: [1, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1], text: "NVMe(0x1,0102030405060708)"),
        NodeCase(type: 3, subtype: 24, data: Array("http://x/y.efi".utf8), text: "Uri(http://x/y.efi)"),
        NodeCase(type: 3, subtype: 26, data: [1], text: "SD(0x1)"),
        NodeCase(type: 3, subtype: 29, data: [2], text: "eMMC(0x2)"),
        NodeCase(
            type: 4, subtype: 1,
            data: [1, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0] + guid + [2, 2],
            text: "HD(1,GPT,\(guidText),0x800,0x1000)"),
        NodeCase(
            type: 4, subtype: 1,
            data: [1, 0, 0, 0] + zeros(16) + [0x78, 0x56, 0x34, 0x12] + zeros(12) + [1, 1],
            text: "HD(1,MBR,0x12345678,0x0,0x0)"),
        NodeCase(type: 4, subtype: 4, data: EventLogData.utf16("\\EFI\\x.efi\0"), text: "\\EFI\\x.efi"),
        NodeCase(type: 4, subtype: 6, data: guid, text: "FvFile(\(guidText))"),
        NodeCase(type: 4, subtype: 7, data: guid, text: "Fv(\(guidText))"),
        NodeCase(type: 5, subtype: 1, data: [2, 0, 0, 0] + Array("disk".utf8) + [0], text: "BBS(0x2,disk)"),
        NodeCase(type: 9, subtype: 1, data: [0xAB], text: "Path(9,1,ab)"),
        NodeCase(type: 4, subtype: 99, data: [], text: "Path(4,99,)"),
    ]

    private func path(_ nodes: [UInt8]) throws -> EFIDevicePath {
        var writer = ByteWriter()
        for value in [0x1000, 4096, 0, UInt64(nodes.count)] { writer.writeLittleEndian(value) }
        writer.write(nodes)
        var builder = EventLogBuilder(banks: [.sha256])
        builder.append(4, .efiBootServicesApplication, writer.bytes)
        guard case .imageLoad(let image)? = try builder.log.events.last?.decoded() else { return try path([]) }
        return image.devicePath
    }

    private static func bytes(_ node: NodeCase) -> [UInt8] {
        let size = node.data.count + 4
        return [node.type, node.subtype, UInt8(size & 0xFF), UInt8(size >> 8)] + node.data
    }

    private static let end: [UInt8] = [0x7F, 0xFF, 4, 0]

    @Test("A node reads as the specification's text", arguments: nodes)
    func text(_ node: NodeCase) throws {
        let whole = try path(Self.bytes(node) + Self.end)
        #expect(whole.text == node.text)
        // Of a node that is too short for its type something is shown, and nothing traps.
        for length in 0..<node.data.count {
            let short = NodeCase(
                type: node.type, subtype: node.subtype, data: Array(node.data.prefix(length)), text: "")
            #expect(try path(Self.bytes(short) + Self.end).nodes.count == 1)
            _ = try path(Self.bytes(short) + Self.end).text
        }
    }

    @Test("Nodes are joined, and the file's path is told apart")
    func joined() throws {
        let nodes = Self.nodes.filter { ["PciRoot(0x1)", "Pci(0x1f,0x2)", "\\EFI\\x.efi"].contains($0.text) }
        let sorted = nodes.sorted { ($0.type == 2 ? 0 : $0.type) < ($1.type == 2 ? 0 : $1.type) }
        let whole = try path(sorted.flatMap(Self.bytes) + Self.end)
        #expect(whole.text == "PciRoot(0x1)/Pci(0x1f,0x2)/\\EFI\\x.efi")
        #expect(whole.filePath == "\\EFI\\x.efi")
    }

    @Test("A node's length below four or beyond the path ends what can be read of an image's path")
    func lengths() throws {
        let node = Self.bytes(Self.nodes[0])
        for length in [0, 3, 0xFF] as [UInt8] {
            var broken = node
            broken[2] = length
            #expect(try path(node + broken).nodes.count == 1)
        }
    }
}
