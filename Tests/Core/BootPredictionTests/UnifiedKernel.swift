import AttestationTestKit
import ByteParsing
import TCGEventLog
import TPMStructures

/// A unified kernel image as ukify lays it out: PE32+, each section aligned to 512 bytes.
struct UnifiedKernel {
    var sections: [(name: String, content: [UInt8])]

    var bytes: [UInt8] {
        let headers = (64 + 24 + 240 + 40 * sections.count + 511) / 512 * 512
        var writer = ByteWriter()
        writer.write(Array("MZ".utf8) + [UInt8](repeating: 0, count: 58))
        writer.writeLittleEndian(UInt32(64))
        writer.write(Array("PE\0\0".utf8))
        writer.writeLittleEndian(UInt16(0x8664))
        writer.writeLittleEndian(UInt16(sections.count))
        writer.write([UInt8](repeating: 0, count: 12))
        writer.writeLittleEndian(UInt16(240))
        writer.writeLittleEndian(UInt16(0x22E))
        writer.writeLittleEndian(UInt16(0x20B))
        writer.write([UInt8](repeating: 0, count: 58))
        writer.writeLittleEndian(UInt32(headers))
        writer.write([UInt8](repeating: 0, count: 44))
        writer.writeLittleEndian(UInt32(16))
        writer.write([UInt8](repeating: 0, count: 128))
        var pointer = headers
        for (index, section) in sections.enumerated() {
            writer.write(Array(section.name.utf8) + [UInt8](repeating: 0, count: 8 - section.name.utf8.count))
            writer.writeLittleEndian(UInt32(section.content.count))
            writer.writeLittleEndian(UInt32(0x10000 * (index + 1)))
            writer.writeLittleEndian(UInt32(Self.aligned(section.content.count)))
            writer.writeLittleEndian(UInt32(pointer))
            writer.write([UInt8](repeating: 0, count: 16))
            pointer += Self.aligned(section.content.count)
        }
        writer.write([UInt8](repeating: 0, count: headers - writer.bytes.count))
        for section in sections {
            writer.write(
                section.content
                    + [UInt8](repeating: 0, count: Self.aligned(section.content.count) - section.content.count))
        }
        return writer.bytes
    }

    private static func aligned(_ count: Int) -> Int { (count + 511) / 512 * 512 }

    /// The log of a machine that systemd-boot starts this image on: images in PCR 4, sections in PCR 11 (systemd-stub 252,
    /// order of the stub), the command line of the boot entry in PCR 12 where there is one.
    func booted(commandLine: String? = nil) throws -> TCGEventLog {
        var log = EventLogBuilder(banks: [.sha1, .sha256])
        for pcr in UInt32(0)...7 { log.append(pcr, .separator, [0, 0, 0, 0]) }
        for (file, measured) in [("systemd-bootx64.efi", "loader"), ("linux.efi", "unified kernel")] {
            log.append(
                4, .efiBootServicesApplication, EventLogData.imageLoad(file: "\\EFI\\Linux\\\(file)"),
                measuring: Array(measured.utf8))
        }
        for section in sections {
            let label = EventLogData.utf16(section.name) + [0, 0]
            log.append(11, .ipl, label, measuring: Array(section.name.utf8) + [0])
            log.append(11, .ipl, label, measuring: section.content)
        }
        if let commandLine {
            let text = EventLogData.utf16(commandLine) + [0, 0]
            log.append(12, .ipl, text, measuring: text)
        }
        log.append(5, .efiAction, Array("Exit Boot Services Invocation".utf8))
        return try log.log
    }
}
