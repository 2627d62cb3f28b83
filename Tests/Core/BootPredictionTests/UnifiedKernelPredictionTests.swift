import BootPrediction
import Foundation
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

/// Predictions beside systemd's own program for them, and beside what the base says.
@Suite("Predictions of unified kernels, systemd-boot and command lines")
struct UnifiedKernelPredictionTests {
    private static let systemdMeasure = "/lib/systemd/systemd-measure"
    private static let old = UnifiedKernel(
        sections: [
            (".linux", Array("kernel 6.1.0-52".utf8)), (".osrel", Array("ID=debian\n".utf8)),
            (".cmdline", Array("root=/dev/vda1 quiet".utf8)), (".initrd", Array(repeating: 7, count: 3000)),
        ])

    /// PCR 11 as systemd-measure computes it for these sections, before any phase.
    private func measured(_ image: UnifiedKernel) throws -> [PCRBank: String] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bootgate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var arguments = ["calculate", "--bank=sha1", "--bank=sha256", "--phase=", "--json=short"]
        for section in image.sections {
            let file = folder.appendingPathComponent(String(section.name.dropFirst()))
            try Data(section.content).write(to: file)
            arguments.append("--\(section.name.dropFirst())=\(file.path)")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.systemdMeasure)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        struct Value: Decodable {
            var pcr: Int
            var hash: String
        }
        let banks = try JSONDecoder().decode([String: [Value]].self, from: data)
        return Dictionary(
            uniqueKeysWithValues: try banks.map { name, values in
                (try #require(PCRBank(rawValue: name)), try #require(values.first { $0.pcr == 11 }).hash)
            })
    }

    @Test(
        "PCR 11 of another unified kernel is what systemd-measure says, with sections changed, added and left out",
        .enabled(if: FileManager.default.isExecutableFile(atPath: systemdMeasure), "systemd-measure is not here"),
        arguments: [
            [".linux": "kernel 6.1.0-53"], [".cmdline": "root=/dev/vda1 quiet ima_policy=tcb"],
            [".initrd": "another", ".linux": "kernel 6.1.0-53"], [".osrel": nil, ".linux": "x"],
            [".splash": "picture"], [".pcrpkey": "key", ".initrd": nil], [:],
        ] as [[String: String?]])
    func sections(_ changes: [String: String?]) throws {
        var image = Self.old
        for (name, text) in changes {
            image.sections.removeAll { $0.name == name }
            if let text { image.sections.append((name, Array(text.utf8))) }
        }
        // The order in the file is not the stub's.
        image.sections.sort { $0.name > $1.name }
        var update = BootUpdate()
        update.unifiedKernel = image.bytes
        let predicted = try BootPredictor.predict(Self.old.booted(), update)
        let replayed = predicted.log.replay()
        let expected = try measured(image)
        #expect(expected.count == 2)
        let pcr = try #require(PCRIndex(11))
        for (bank, hash) in expected { #expect(replayed.values[bank, pcr]?.hex == hash, "\(bank)") }
        // Firmware measures the whole image: its digest in PCR 4, once.
        let digests = try PEImage(parsing: image.bytes).authenticodeDigests([.sha256])
        let images = predicted.log.events.filter { $0.registerIndex == 4 && $0.digest(.sha256) == digests[.sha256] }
        #expect(images.count == 1)
    }

    @Test("Another systemd-boot changes its own event in PCR 4 and nothing else")
    func systemdBoot() throws {
        let loader = UnifiedKernel(sections: [(".text", Array("systemd-boot 252.39".utf8))]).bytes
        var update = BootUpdate()
        update.systemdBoot = loader
        let predicted = try BootPredictor.predict(Self.old.booted(), update)
        let changed = zip(predicted.log.events, predicted.origins).filter {
            if case .changed = $0.1 { true } else { false }
        }
        #expect(changed.count == 1 && predicted.removed.isEmpty)
        let event = try #require(changed.first?.0)
        #expect(event.registerIndex == 4)
        #expect(event.component.description.lowercased().contains("systemd-boot"))
        #expect(event.digest(.sha256) == (try PEImage(parsing: loader).authenticodeDigests([.sha256])[.sha256]))
    }

    @Test("A boot entry's other command line is predicted in PCR 12 as systemd-boot measures it")
    func bootEntry() throws {
        var update = BootUpdate()
        update.commandLine = "root=/dev/vda2"
        let predicted = try BootPredictor.predict(Self.old.booted(commandLine: "root=/dev/vda1"), update)
        let booted = try Self.old.booted(commandLine: "root=/dev/vda2")
        let pcr = try #require(PCRIndex(12))
        for bank in booted.banks {
            #expect(predicted.log.replay().values[bank, pcr] == booted.replay().values[bank, pcr])
        }
    }

    @Test(
        "The line that systemd-boot passes of an image's own section follows the new image; another one is undecided",
        arguments: ["", "\n", "\0"])
    func ownCommandLine(_ end: String) throws {
        func image(_ line: String) -> UnifiedKernel {
            UnifiedKernel(sections: [(".linux", Array("kernel".utf8)), (".cmdline", Array((line + end).utf8))])
        }
        let line = "root=/dev/vda1 quiet"
        var update = BootUpdate()
        // A new section that ends in a newline is handed on differently by versions of the stub, and stays undecided.
        let new = UnifiedKernel(
            sections: [(".linux", Array("kernel".utf8)), (".cmdline", Array("root=/dev/vda2".utf8))])
        update.unifiedKernel = new.bytes
        let predicted = try BootPredictor.predict(image(line).booted(commandLine: line), update)
        let booted = try new.booted(commandLine: "root=/dev/vda2")
        let pcr = try #require(PCRIndex(12))
        for bank in booted.banks {
            #expect(predicted.log.replay().values[bank, pcr] == booted.replay().values[bank, pcr])
        }
        // Of an entry file, or typed at the boot menu.
        let error = #expect(throws: PredictionError.self) {
            try BootPredictor.predict(image(line).booted(commandLine: line + " debug"), update)
        }
        #expect(error?.code == .undecided)
    }

    @Test("GRUB's command line by itself predicts PCR 8 of the boot that had it, event by event")
    func grubCommandLine() throws {
        let base = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        let booted = try TCGEventLog(parsing: TestVectors.changedCommandLine.eventLog)
        func lines(_ log: TCGEventLog) -> [[Digest]] {
            log.events.filter { $0.isExtended && $0.registerIndex == 8 }.map(\.digests)
        }
        let line = try #require(
            booted.events.compactMap { event -> String? in
                guard event.registerIndex == 8, event.component.kind == .kernelCommandLine else { return nil }
                return event.component.name
            }.first)
        var update = BootUpdate()
        update.commandLine = String(line.split(separator: " ", maxSplits: 1).last ?? "")
        let predicted = try BootPredictor.predict(base, update)
        #expect(lines(predicted.log) == lines(booted))
        #expect(lines(predicted.log) != lines(base))
    }
}
