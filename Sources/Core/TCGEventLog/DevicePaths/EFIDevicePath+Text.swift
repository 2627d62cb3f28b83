internal import ByteParsing

/// Display text of one node (UEFI 2.10, section 10.6.1.6), not escaped. A node that is shorter than its type demands reads as
/// zeros; an unknown one shows type, subtype and its bytes.
extension EFIDevicePath.Node {
    var text: String {
        switch type {
        case 1: hardware
        case 2: acpi
        case 3: messaging
        case 4: media
        case 5 where subtype == 1: "BBS(\(hex(integer(0, 2))),\(ascii(4)))"
        case 0x7F: ","
        default: unknown
        }
    }

    private var hardware: String {
        switch subtype {
        case 1: "Pci(\(hex(integer(1, 1))),\(hex(integer(0, 1))))"
        case 2: "PcCard(\(hex(integer(0, 1))))"
        case 3: "MemoryMapped(\(hex(integer(0, 4))),\(hex(integer(4, 8))),\(hex(integer(12, 8))))"
        case 4: "VenHw(\(guid(0))\(rest(16)))"
        case 5: "Ctrl(\(hex(integer(0, 4))))"
        case 6: "BMC(\(hex(integer(0, 1))),\(hex(integer(1, 8))))"
        default: unknown
        }
    }

    private var acpi: String {
        switch subtype {
        case 1:
            switch integer(0, 4) {
            case 0x0A03_41D0: "PciRoot(\(hex(integer(4, 4))))"
            case 0x0A08_41D0: "PcieRoot(\(hex(integer(4, 4))))"
            case 0x0604_41D0: "Floppy(\(hex(integer(4, 4))))"
            default: "Acpi(\(hex(integer(0, 4))),\(hex(integer(4, 4))))"
            }
        case 2: "AcpiEx(\(hex(integer(0, 4))),\(hex(integer(8, 4))),\(hex(integer(4, 4))))"
        case 3: "AcpiAdr(\(hex(integer(0, 4))))"
        default: unknown
        }
    }

    private var messaging: String {
        switch subtype {
        case 1: "Ata(\(integer(0, 1)),\(integer(1, 1)),\(integer(2, 2)))"
        case 2: "Scsi(\(integer(0, 2)),\(integer(2, 2)))"
        case 3: "Fibre(\(hex(integer(4, 8))),\(hex(integer(12, 8))))"
        case 4: "I1394(\(hex(integer(4, 8))))"
        case 5: "USB(\(hex(integer(0, 1))),\(hex(integer(1, 1))))"
        case 9: "Infiniband(\(hex(integer(0, 4))),\(guid(4)))"
        case 10: "VenMsg(\(guid(0))\(rest(16)))"
        case 11: "MAC(\(Hex.encode(data.prefix(6))),\(hex(integer(32, 1))))"
        case 12: "IPv4(\(data.dropFirst(4).prefix(4).map { String($0) }.joined(separator: ".")))"
        case 13: "IPv6(\(Hex.encode(data.dropFirst(16).prefix(16))))"
        case 14: "Uart(\(integer(4, 8)),\(integer(12, 1)))"
        case 15: "UsbClass(\(hex(integer(0, 2))),\(hex(integer(2, 2))),\(hex(integer(4, 1))))"
        case 16: "UsbWwid(\(hex(integer(2, 2))),\(hex(integer(4, 2))),\(LogText.utf16(data.dropFirst(6))))"
        case 17: "Unit(\(hex(integer(0, 1))))"
        case 18: "Sata(\(hex(integer(0, 2))),\(hex(integer(2, 2))),\(hex(integer(4, 2))))"
        case 19: "iSCSI(\(ascii(14)),\(hex(integer(12, 2))),\(hex(integer(4, 8))))"
        case 20: "Vlan(\(integer(0, 2)))"
        case 22: "SasEx(\(hex(integer(0, 8))),\(hex(integer(8, 8))))"
        case 23: "NVMe(\(hex(integer(0, 4))),\(Hex.encode(data.dropFirst(4).prefix(8).reversed())))"
        case 24: "Uri(\(ascii(0)))"
        case 25: "UFS(\(hex(integer(0, 1))),\(hex(integer(1, 1))))"
        case 26: "SD(\(hex(integer(0, 1))))"
        case 27: "Bluetooth(\(Hex.encode(data.prefix(6))))"
        case 28: "Wi-Fi(\(ascii(0)))"
        case 29: "eMMC(\(hex(integer(0, 1))))"
        case 30: "BluetoothLE(\(Hex.encode(data.prefix(6))))"
        case 31: "Dns(\(Hex.encode(data.dropFirst(1).prefix(32))))"
        case 32: "NVDIMM(\(guid(0)))"
        case 33: "RestService(\(hex(integer(0, 1))),\(hex(integer(1, 1))))"
        case 34: "NVMEoF(\(ascii(17)))"
        default: unknown
        }
    }

    private var media: String {
        switch subtype {
        case 1:
            let signature = integer(37, 1) == 2 ? "GPT,\(guid(20))" : "MBR,\(hex(integer(20, 4)))"
            return "HD(\(integer(0, 4)),\(signature),\(hex(integer(4, 8))),\(hex(integer(12, 8))))"
        case 2: return "CDROM(\(hex(integer(0, 4))))"
        case 3: return "VenMedia(\(guid(0))\(rest(16)))"
        case 4: return LogText.utf16(data[...])
        case 5: return "Media(\(guid(0)))"
        case 6: return "FvFile(\(guid(0)))"
        case 7: return "Fv(\(guid(0)))"
        case 8: return "Offset(\(hex(integer(4, 8))),\(hex(integer(12, 8))))"
        case 9: return "RamDisk(\(hex(integer(0, 8))),\(hex(integer(8, 8))))"
        default: return unknown
        }
    }

    private var unknown: String { "Path(\(type),\(subtype),\(Hex.encode(data.prefix(32))))" }

    private func integer(_ offset: Int, _ size: Int) -> UInt64 {
        guard offset + size <= data.count else { return 0 }
        return data[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    private func guid(_ offset: Int) -> EFIGUID {
        guard offset + 16 <= data.count else { return EFIGUID([UInt8](repeating: 0, count: 16)) }
        return EFIGUID(Array(data[offset..<offset + 16]))
    }
    private func ascii(_ offset: Int) -> String { LogText.utf8(data.dropFirst(offset)) }
    private func rest(_ offset: Int) -> String {
        data.count > offset ? "," + Hex.encode(data.dropFirst(offset).prefix(32)) : ""
    }
}
