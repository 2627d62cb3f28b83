import ByteParsing
import Foundation
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@testable import BootPrediction

@Suite("PE images and their Authenticode digests")
struct PEImageTests {
    /// An image of two sections, the later one first in the table, with data behind them and a certificate table.
    struct Sample {
        var isPlus = true
        var machine: UInt16 = 0x8664
        var trailing = Array("behind".utf8) + [0, 0]
        var certificate: [UInt8] = [16, 0, 0, 0, 0, 2, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8]
        var directories: UInt32 = 16

        static let headers = 512
        var optionalSize: Int { (isPlus ? 112 : 96) + Int(directories) * 8 }
        var checksumOffset: Int { 64 + 24 + 64 }
        var certificateOffset: Int { 64 + 24 + (isPlus ? 112 : 96) + 32 }

        var bytes: [UInt8] {
            var writer = ByteWriter()
            writer.write(Array("MZ".utf8) + [UInt8](repeating: 0x90, count: 58))
            writer.writeLittleEndian(UInt32(64))
            writer.write(Array("PE\0\0".utf8))
            writer.writeLittleEndian(machine)
            writer.writeLittleEndian(UInt16(2))
            writer.write([UInt8](repeating: 0, count: 12))
            writer.writeLittleEndian(UInt16(optionalSize))
            writer.writeLittleEndian(UInt16(0x22E))
            writer.writeLittleEndian(UInt16(isPlus ? 0x20B : 0x10B))
            writer.write([UInt8](repeating: 7, count: 58))
            writer.writeLittleEndian(UInt32(Self.headers))
            writer.writeLittleEndian(UInt32(0xDEAD_BEEF))
            writer.write([UInt8](repeating: 9, count: isPlus ? 40 : 24))
            writer.writeLittleEndian(directories)
            for directory in 0..<directories {
                writer.writeLittleEndian(
                    directory == 4 && !certificate.isEmpty ? UInt32(Self.headers + 96 + trailing.count) : 0)
                writer.writeLittleEndian(directory == 4 ? UInt32(certificate.count) : 0)
            }
            for (name, pointer, size, memory) in [(".linux\0\0", 576, 32, 20), (".cmdline", 512, 64, 64)] {
                writer.write(Array(name.utf8))
                writer.writeLittleEndian(UInt32(memory))
                writer.writeLittleEndian(UInt32(0x1000))
                writer.writeLittleEndian(UInt32(size))
                writer.writeLittleEndian(UInt32(pointer))
                writer.write([UInt8](repeating: 0, count: 16))
            }
            writer.write([UInt8](repeating: 0, count: Self.headers - writer.bytes.count))
            writer.write([UInt8](repeating: 0xC0, count: 64) + [UInt8](repeating: 0x11, count: 32))
            writer.write(trailing + certificate)
            return writer.bytes
        }
    }

    @Test(
        "The digest leaves out checksum, certificate entry and certificate table and nothing else, in every bank",
        arguments: [(true, UInt16(0x8664)), (false, UInt16(0x14C)), (true, UInt16(0xAA64))])
    func digest(_ isPlus: Bool, _ machine: UInt16) throws {
        let sample = Sample(isPlus: isPlus, machine: machine)
        let bytes = sample.bytes
        let image = try PEImage(parsing: bytes)
        #expect(image.machine == machine)
        #expect(image.certificateTable.count == 16)
        let (checksum, entry) = (sample.checksumOffset, sample.certificateOffset)
        let hashed =
            Array(bytes[..<checksum]) + bytes[(checksum + 4)..<entry] + bytes[(entry + 8)..<(bytes.count - 16)]
        for bank in PCRBank.allCases {
            #expect(image.authenticodeDigests([bank])[bank] == MessageDigest.hash(Array(hashed), bank))
        }
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            guard let changed = try? PEImage(parsing: other) else { continue }
            let isOut = (checksum..<checksum + 4).contains(index) || index >= bytes.count - 16
            #expect((changed.authenticodeContent == image.authenticodeContent) == isOut, "byte \(index)")
        }
    }

    @Test("A section's content has its size in memory")
    func sections() throws {
        let image = try PEImage(parsing: Sample().bytes)
        #expect(image.content(ofSection: ".linux") == [UInt8](repeating: 0x11, count: 20))
        #expect(image.content(ofSection: ".cmdline")?.count == 64)
        #expect(image.content(ofSection: ".initrd") == nil)
    }

    @Test("Every proper prefix and a byte behind the certificates are refused, with field and offset")
    func truncated() {
        let bytes = Sample().bytes
        for count in 0..<bytes.count {
            #expect(throws: ParsingError.self) { try PEImage(parsing: Array(bytes[..<count])) }
        }
        #expect(throws: ParsingError.self) { try PEImage(parsing: bytes + [0]) }
    }

    @Test("Lengths at their limits: zero and too many sections, sections outside, overlapping headers, directories")
    func limits() throws {
        func patched(_ offset: Int, _ values: [UInt8]) -> [UInt8] {
            var bytes = Sample().bytes
            bytes.replaceSubrange(offset..<offset + values.count, with: values)
            return bytes
        }
        let table = 64 + 24 + Sample().optionalSize
        for (offset, values): (Int, [UInt8]) in [
            (70, [0, 0]), (70, [97, 0]), (70, [0xFF, 0xFF]), (0x3C, [0, 0, 0, 0]), (0x3C, [0xFF, 0xFF, 0xFF, 0xFF]),
            (84, [0, 0]), (84, [0xFF, 0xFF]), (88, [0x0C, 0x01]), (148, [0, 0, 0, 0]), (148, [0xFF, 0xFF, 0xFF, 0xFF]),
            (148, [1, 3, 0, 0]), (196, [17, 0, 0, 0]), (196, [0xFF, 0xFF, 0xFF, 0xFF]),
            (table + 16, [0xFF, 0xFF, 0xFF, 0xFF]), (table + 20, [0xFF, 0xFF, 0xFF, 0xFF]),
            (table + 20, [0, 2, 0, 0]), (Sample().certificateOffset + 4, [15, 0, 0, 0]),
            (Sample().certificateOffset, [0, 0, 0, 0]),
        ] {
            #expect(throws: ParsingError.self, "offset \(offset): \(values)") {
                try PEImage(parsing: patched(offset, values))
            }
        }
        var unsigned = Sample()
        unsigned.certificate = []
        #expect(try PEImage(parsing: unsigned.bytes).certificateTable.isEmpty)
        unsigned.directories = 4
        #expect(try PEImage(parsing: unsigned.bytes).certificateTable.isEmpty)
        var memory = Sample().bytes
        memory.replaceSubrange(table + 8..<table + 12, with: [0xFF, 0xFF, 0xFF, 0x7F])
        #expect(try PEImage(parsing: memory).content(ofSection: ".linux") == nil)
    }

    /// `BOOTGATE_BOOT_PACKAGES` names a folder with the unpacked Debian packages of measured-boot/inputs/README.md.
    private static let packages = ProcessInfo.processInfo.environment["BOOTGATE_BOOT_PACKAGES"]

    @Test(
        "Shim, GRUB and kernels of Debian have the digests that the booted variants show in PCR 4",
        .enabled(if: packages != nil && TestVectors.corpus != nil, "BOOTGATE_BOOT_PACKAGES names no packages"),
        arguments: [
            ("usr/lib/shim/shimx64.efi.signed", "golden"),
            ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "golden"),
            ("boot/vmlinuz-6.1.0-52-cloud-amd64", "golden"),
            ("boot/vmlinuz-6.12.117+deb12-cloud-amd64", "c-kernel612"),
        ])
    func debian(_ path: String, _ variant: String) throws {
        let file = URL(fileURLWithPath: Self.packages ?? "").appendingPathComponent(path)
        let image = try PEImage(parsing: [UInt8](Data(contentsOf: file)))
        let log = try BootPredictionLog(try #require(TestVectors.corpus).measuredBoot(variant).eventLog)
        #expect(log.contains(image.authenticodeDigests(log.banks), pcr: 4))
    }
}
