import AttestationTestKit
import BootPrediction
import Foundation
import ReferenceValues
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

/// The bar of issue 3: what the inputs predict is what the booted variants then measured.
@Suite("Predictions against really booted variants")
struct GoldenPredictionTests {
    private struct Line: Hashable {
        var digests: [Digest]
        var data: [UInt8]
    }

    private func lines(_ log: TCGEventLog, _ pcr: UInt32) -> [Line] {
        log.events.filter { $0.isExtended && $0.registerIndex == pcr }.map { Line(digests: $0.digests, data: $0.data) }
    }

    private func predict(_ configuration: String, from base: MeasuredBootVector) throws -> PredictedBoot {
        let corpus = try #require(TestVectors.corpus)
        var update = BootUpdate()
        update.grubConfiguration = (nil, try corpus.bytes("measured-boot/inputs/\(configuration)"))
        return try BootPredictor.predict(TCGEventLog(parsing: base.eventLog), update)
    }

    @Test(
        "A GRUB configuration predicts PCR 8 and 9 event by event, digest for digest, in every bank",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"),
        arguments: [
            ("grub-golden.cfg", "golden", "golden"), ("grub-cmdline.cfg", "golden", "a-cmdline"),
            ("grub-changed.cfg", "golden", "e-grubcfg"), ("grub-comment.cfg", "golden", "e-grubcomment"),
            ("grub-linuxefi.cfg", "golden", "d-sbon-linuxefi"), ("grub-golden.cfg", "a-cmdline", "golden"),
            ("grub-golden.cfg", "e-grubcfg", "golden"), ("grub-full.cfg", "full1", "full2"),
        ])
    func variant(_ configuration: String, _ base: String, _ variant: String) throws {
        let corpus = try #require(TestVectors.corpus)
        let predicted = try predict(configuration, from: corpus.measuredBoot(base))
        let booted = try TCGEventLog(parsing: corpus.measuredBoot(variant).eventLog)
        for pcr: UInt32 in [8, 9] { #expect(lines(predicted.log, pcr) == lines(booted, pcr), "PCR \(pcr)") }
        let (replayed, seen) = (predicted.log.replay(), booted.replay())
        for bank in booted.banks {
            for pcr in [0, 2, 4, 7, 8, 9, 14].compactMap({ PCRIndex($0) }) {
                #expect(replayed.values[bank, pcr] == seen.values[bank, pcr], "\(bank) PCR \(pcr)")
            }
        }
        let before = try TCGEventLog(parsing: corpus.measuredBoot(base).eventLog)
        #expect(predicted.isChanged == (lines(before, 9) != lines(booted, 9)))
        #expect(predicted.decisions.isEmpty)
    }

    @Test(
        "A changed file that the configuration loads is predicted by its content, and only where it is loaded",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"))
    func files() throws {
        let base = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        var update = BootUpdate()
        update.grub.initrd = Array("another initrd".utf8)
        let predicted = try BootPredictor.predict(base, update)
        let changed = zip(predicted.log.events, predicted.origins).filter {
            if case .changed = $0.1 { true } else { false }
        }
        #expect(changed.map { $0.0.component.description } == ["initrd /boot/initrd.img"])
        update = BootUpdate()
        update.grub.files["/boot/absent"] = []
        #expect(throws: PredictionError.self) { try BootPredictor.predict(base, update) }
    }

    @Test("A Secure Boot variable's new content is hashed as firmware hashes it, and the same content changes nothing")
    func variables() throws {
        let base = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        let event = try #require(base.events.first { $0.component.name == "dbx" })
        guard case .variable(let old) = try event.decoded() else { Issue.record("no variable"); return }
        let value = Array(base.bytes[old.valueRange])
        var update = BootUpdate()
        update.variables[.dbx] = try SignatureDatabase(parsing: value)
        #expect(try !BootPredictor.predict(base, update).isChanged)
        update.variables[.dbx] = try SignatureDatabase(parsing: value + value)
        let predicted = try BootPredictor.predict(base, update)
        let changed = predicted.log.events[event.index]
        #expect(changed.dataVerified == true)
        #expect(changed.digests != event.digests)
        update.variables = [.db: SignatureDatabase(lists: [])]
        #expect(try BootPredictor.predict(base, update).notes.contains { $0.contains("authority") })
    }

    @Test("A configuration knows its own name and folder, as those that grub-mkconfig writes ask for them")
    func ownFolder() throws {
        let base = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        let text = """
            if [ -f  ${config_directory}/custom.cfg ]; then source ${config_directory}/custom.cfg; fi
            echo $config_file
            linux /boot/vmlinuz
            boot
            """
        var update = BootUpdate()
        update.grubConfiguration = (nil, Array(text.utf8))
        let folder = "(hd0,gpt1)/EFI/debian"
        update.grub.exitCodes["[ -f \(folder)/custom.cfg ]"] = 1
        let commands = try BootPredictor.predict(base, update).log.events.filter { $0.registerIndex == 8 }
            .map { String(decoding: $0.data, as: UTF8.self) }
        #expect(commands.contains("grub_cmd: [ -f \(folder)/custom.cfg ]\0"))
        #expect(commands.contains("grub_cmd: echo \(folder)/grub.cfg\0"))
    }

    @Test("What the last boot does not show is refused, never guessed")
    func refused() throws {
        let base = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        func refuses(_ change: (inout BootUpdate) -> Void) -> PredictionError? {
            var update = BootUpdate()
            change(&update)
            do { _ = try BootPredictor.predict(base, update) } catch { return error }
            return nil
        }
        #expect(refuses { $0.grubConfiguration = (nil, Array("linux /boot/other\nboot\n".utf8)) }?.code == .undecided)
        #expect(refuses { $0.grubConfiguration = ("/other/grub.cfg", []) }?.code == .baseMismatch)
        #expect(refuses { $0.grubConfiguration = (nil, Array("if true\n".utf8)) }?.code == .malformed)
        #expect(refuses { $0.grubConfiguration = (nil, Array("set a=b\n".utf8)) }?.code == .undecided)
        #expect(refuses { $0.shim = [0x4D] }?.code == .malformed)
        #expect(refuses { $0.unifiedKernel = [] }?.code == .malformed)
    }
}
