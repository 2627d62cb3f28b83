import Appraisal
import AttestationTestKit
import ReferenceValues
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("What changed between two boots")
struct BootComparisonTests {
    struct Variant: CustomTestStringConvertible, Sendable {
        let name: String
        let causes: [BootChangeCause.Kind]
        /// Words that the changes must show.
        let shown: [String]
        var testDescription: String { name }
    }

    /// What each booted variant changed against golden: /work/shared/design/measured-boot.md, table 6.
    static let variants = [
        Variant(name: "a-cmdline", causes: [.commandLine], shown: ["+ apparmor=0", "grub.cfg"]),
        Variant(name: "b-initrd", causes: [.initrdRebuilt], shown: ["/boot/initrd.img"]),
        Variant(name: "c-kernel612", causes: [.kernelUpdate], shown: ["/boot/vmlinuz", "/boot/initrd.img", "size "]),
        Variant(
            name: "d-sboff-linuxefi",
            causes: [.secureBootOff, .firmwareChange, .bootLoaderConfiguration, .commandLine],
            shown: ["SecureBoot", "- certificate \"Microsoft Corporation UEFI CA 2011\""]),
        Variant(name: "e-grubcfg", causes: [.bootLoaderConfiguration], shown: ["set foo=bar", "menuentry x"]),
        Variant(name: "e-grubcomment", causes: [.bootLoaderConfiguration], shown: ["grub.cfg"]),
        Variant(name: "i-bootentry", causes: [.bootOrder], shown: ["Boot0099 \"EFI Internal Shell\"", "BootOrder"]),
        Variant(name: "i-optionrom", causes: [.hardwareChange], shown: ["PciRoot(0x0)/Pci(0x2,0x0)"]),
        Variant(name: "j-gpt-extra", causes: [.partitions], shown: ["+ \"extra\""]),
        Variant(name: "k-fw-old", causes: [.firmwareUpdate], shown: ["0x820000", "0x900000"]),
        Variant(name: "h2-golden-newtpm", causes: [], shown: []),
        Variant(name: "g2-warmreboot", causes: [], shown: []),
    ]

    @Test(
        "A booted variant differs from golden in what was changed, and the cause is named",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"), arguments: variants)
    func variant(_ variant: Variant) throws {
        let vector = try #require(TestVectors.corpus).measuredBoot(variant.name)
        let comparison = try BootComparison(
            from: TCGEventLog(parsing: TestVectors.golden.eventLog), to: TCGEventLog(parsing: vector.eventLog))
        #expect(Set(comparison.causes.map(\.cause)) == Set(variant.causes))
        #expect(comparison.isSame == variant.causes.isEmpty)
        let words = comparison.changes.flatMap { [$0.name] + $0.details }
        for text in variant.shown { #expect(words.contains { $0.contains(text) }, "\(text)") }
    }

    private func compare(_ change: (inout EventLogBuilder) throws -> Void) throws -> BootComparison {
        let before = EventLogBuilder.honest(banks: [.sha1, .sha256])
        var after = before
        try change(&after)
        return try BootComparison(from: before.log, to: after.log)
    }

    @Test("Equal logs have no change, and every change belongs to exactly one cause")
    func partition() throws {
        let same = try compare { _ in }
        #expect(same.isSame && same.causes.isEmpty)
        let other = try compare { builder in
            builder.append(8, .ipl, Array("new".utf8))
            builder.events.removeAll { $0.pcr == 14 }
        }
        #expect(other.causes.flatMap(\.changes).sorted() == Array(other.changes.indices))
        #expect(other.changedRegisters.map(\.rawValue) == [8, 14])
    }

    @Test(
        "A covered text that lost its digest, and the same bytes under another type, are tampering though no register differs"
    )
    func rewritten() throws {
        let rewritten = try compare { builder in
            let place = try #require(builder.index { $0.pcr == 5 && $0.type == .efiAction })
            builder.events[place].data = Array("Something else".utf8)
        }
        #expect(rewritten.changedRegisters.isEmpty && !rewritten.isSame)
        #expect(rewritten.changes.map(\.kind) == [.relabelled])
        #expect(rewritten.causes.first?.cause == .tampering && rewritten.causes.first?.weight == .alarming)
        let retyped = try compare { builder in
            let place = try #require(builder.index { $0.pcr == 5 && $0.type == .efiAction })
            builder.events[place].type = .postCode
        }
        #expect(retyped.causes.map(\.cause) == [.tampering])
    }

    @Test("An event that breaks a rule of the profile is tampering, whatever it is called")
    func breach() throws {
        let late = try compare { builder in
            builder.append(1, .efiVariableBoot, EventLogData.variable("BootOrder", value: [9, 0]))
        }
        #expect(late.causes.map(\.cause) == [.tampering])
        #expect(late.changes.map(\.kind) == [.added])
    }

    @Test("Revocations that are gone are alarming, new ones are routine")
    func revocations() throws {
        let (one, two) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
        func log(_ hashes: [[UInt8]]) throws -> TCGEventLog {
            var builder = EventLogBuilder.honest()
            let place = try #require(
                builder.index {
                    $0.pcr == 7 && EventLogData.utf16("dbx").elementsEqual($0.data.dropFirst(32).prefix(6))
                })
            builder.events[place] = builder.event(
                7, .efiVariableDriverConfig,
                EventLogData.variable(
                    "dbx", vendor: EventLogData.imageSecurityDatabase, value: EventLogData.signatureList(hashes: hashes)
                ))
            return try builder.log
        }
        let added = try BootComparison(from: log([one]), to: log([one, two]))
        #expect(added.causes.map(\.cause) == [.revocationUpdate])
        #expect(added.changes.first?.details == ["+ sha256 " + String(repeating: "02", count: 32)])
        let removed = try BootComparison(from: log([one, two]), to: log([one]))
        #expect(removed.causes.map(\.cause) == [.revocationRemoved])
        #expect(removed.causes.first?.weight == .alarming)
    }

    @Test("Another GRUB entry is another boot path; with a new kernel, a title's new version is the update's")
    func menuEntry() throws {
        func log(_ title: String, kernel: UInt8) throws -> TCGEventLog {
            var builder = EventLogBuilder.honest()
            let command = "setparams \(title)"
            builder.append(8, .ipl, Array("grub_cmd: \(command)".utf8) + [0], measuring: Array(command.utf8))
            builder.append(9, .ipl, Array("/boot/vmlinuz".utf8) + [0], measuring: [kernel])
            return try builder.log
        }
        let chosen = try BootComparison(from: log("Debian", kernel: 1), to: log("Memory test", kernel: 1))
        #expect(chosen.causes.map(\.cause) == [.bootPath])
        #expect(chosen.changes.first?.details == ["- Debian", "+ Memory", "+ test"])
        let updated = try BootComparison(from: log("Linux 6.1", kernel: 1), to: log("Linux 6.12", kernel: 2))
        #expect(updated.causes.map(\.cause) == [.kernelUpdate])
    }

    @Test("Events in another order are moved, not changed")
    func moved() throws {
        var before = EventLogBuilder.honest()
        for text in ["a", "b", "c"] { before.append(8, .ipl, Array(text.utf8)) }
        var after = before
        after.events.swapAt(before.events.count - 3, before.events.count - 1)
        let comparison = try BootComparison(from: before.log, to: after.log)
        #expect(comparison.changes.allSatisfy { $0.kind == .moved && $0.pcr == 8 })
        #expect(!comparison.changes.isEmpty)
    }

    @Test("Boots of a confidential VM are compared by what their registers stand for")
    func confidential() throws {
        func log(_ line: String, policy: UInt8 = 1) throws -> TCGEventLog {
            var builder = EventLogBuilder(banks: [.sha384])
            builder.headerRegister = 1
            builder.append(1, .efiVariableDriverConfig, EventLogData.variable("SecureBoot", value: [policy]))
            builder.append(1, .separator, [0, 0, 0, 0])
            builder.append(3, .ipl, Array("kernel_cmdline: \(line)".utf8) + [0], measuring: Array(line.utf8))
            return try builder.log
        }
        let line = try BootComparison(from: log("ro"), to: log("ro quiet"))
        #expect(line.causes.map(\.cause) == [.commandLine])
        #expect(line.changes.map(\.layer) == [.kernel] && line.changes.map(\.pcr) == [3])
        let off = try BootComparison(from: log("ro"), to: log("ro", policy: 0))
        #expect(off.causes.map(\.cause) == [.secureBootOff])
    }

    @Test("Logs without a common bank, or of other registers, are not compared")
    func incomparable() throws {
        let log = try EventLogBuilder.honest(banks: [.sha256]).log
        let other = try EventLogBuilder.honest(banks: [.sha384]).log
        #expect(throws: BootComparison.Failure.noCommonBank) { try BootComparison(from: log, to: other) }
        let confidential = try TCGEventLog(parsing: log.bytes, registers: .measurementRegisters)
        #expect(throws: BootComparison.Failure.otherRegisters) { try BootComparison(from: log, to: confidential) }
    }

    @Test("Two floods of events are compared in bounded time")
    func flood() throws {
        func log(_ seed: UInt8) throws -> TCGEventLog {
            var builder = EventLogBuilder(banks: [.sha256])
            for number in 0..<6000 {
                builder.append(8, .ipl, [seed, UInt8(number & 0xFF), UInt8(number >> 8)])
            }
            return try builder.log
        }
        let comparison = try BootComparison(from: log(1), to: log(2))
        #expect(comparison.changes.count == 6000)
    }
}
