import Appraisal
import AttestationTestKit
import Foundation
import ReferenceValues
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Quirks and references captured from the machine that has them")
struct OwnReferencesTests {
    @Test(
        "A real machine passes against its own references with its quirks waived, unless PCR 7 itself is at fault",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"))
    func corpus() throws {
        let corpus = try #require(TestVectors.corpus)
        let folder = corpus.root.appendingPathComponent("eventlogs").path
        var passed = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".bin") {
            let bytes = try corpus.bytes("eventlogs/\(name)")
            let log = try TCGEventLog(parsing: bytes)
            // Of vectors that are no whole boot, and of SHA-1 logs, no references can be made.
            guard log.registers == .pcrs, log.events.count > 10 else { continue }
            var machine = try SealedMachine(
                EventLogBuilder(log), quoting: Set(log.banks), startupLocality: log.replay().startupLocality)
            machine.eventLog = bytes
            guard let references = try? machine.captured() else { continue }
            let result = try machine.appraise(references)
            let blocking = result.findings.filter { $0.tier != .affirming }
            #expect(blocking.allSatisfy { $0.pcr == 7 }, "\(name): \(blocking)")
            #expect((result.verdict == .pass) == blocking.isEmpty, "\(name)")
            for finding in result.findings where finding.waived == true { #expect(finding.quirk != nil, "\(name)") }
            passed += result.verdict == .pass ? 1 : 0
        }
        #expect(passed > 25)
    }

    /// A TPM with a bank that its firmware does not extend: all its registers hold what they started with.
    private func idle(_ bank: PCRBank, beside builder: EventLogBuilder) throws -> SealedMachine {
        try SealedMachine(builder, quoting: Set(builder.banks + [bank])) { values in
            for pcr in PCRIndex.all {
                values.set(PCRReplay.initialValue(pcr, bank: bank, startupLocality: 0), bank: bank, index: pcr)
            }
        }
    }

    @Test("QF-06: an idle bank that nobody judges can be waived; it shows, and one that references judge cannot")
    func idleBank() throws {
        let machine = try idle(.sha1, beside: .honest(banks: [.sha256]))
        var references = try machine.captured()
        #expect(references.waivers?.map(\.finding) == ["LOG_BANK_UNUSED"])
        let result = try machine.appraise(references)
        #expect(result.verdict == .pass)
        #expect(result.waivers.map(\.finding) == ["LOG_BANK_UNUSED"])
        let waivers = references.waivers
        references.waivers = nil
        let refused = try machine.appraise(references)
        #expect(refused.verdict == .fail)
        #expect(refused.findings.contains { $0.id == "LOG_BANK_UNUSED" && $0.tier == .contraindicated })

        var both = try SealedMachine(.honest(banks: [.sha256, .sha384]), quoting: [.sha256, .sha384]).captured()
        both.waivers = waivers
        let judged = try idle(.sha384, beside: .honest(banks: [.sha256])).appraise(both)
        #expect(judged.verdict == .fail)
        #expect(judged.findings.contains { $0.id == "LOG_BANK_UNUSED" && $0.tier == .contraindicated })
    }

    @Test("QF-06: an idle bank that somebody filled does not replay, waived or not")
    func filledBank() throws {
        let references = try idle(.sha1, beside: .honest(banks: [.sha256])).captured()
        let filled = try SealedMachine(.honest(banks: [.sha256]), quoting: [.sha1, .sha256]) { values in
            let other = EventLogBuilder.honest(banks: [.sha1]).sealed()
            for (pcr, digest) in other.banks[.sha1] ?? [:] { values.set(digest, bank: .sha1, index: pcr) }
        }
        let result = try filled.appraise(references)
        #expect(result.verdict == .fail)
        #expect(result.findings.contains { $0.id == "LOG_REPLAY" })
    }

    @Test("A log that calls itself a confidential VM's is judged by a TPM's rules")
    func disguisedLog() throws {
        let honest = try SealedMachine(.honest())
        let references = try honest.captured()
        var builder = EventLogBuilder.honest()
        builder.headerRegister = 1
        let result = try SealedMachine(builder).appraise(references)
        #expect(result.verdict == .fail)
        #expect(result.findings.contains { $0.id == "LOG_NO_ACTION" })
    }

    @Test("Quirks without weight show in the result and change no tier")
    func notes() throws {
        var builder = EventLogBuilder.honest()
        builder.append(8, .ipl, [])
        let machine = try SealedMachine(builder)
        let result = try machine.appraise(try machine.captured())
        #expect(result.verdict == .pass)
        let note = try #require(result.findings.first { $0.id == "LOG_QUIRK" })
        #expect(note.quirk == "zero-size-event" && note.tier == .affirming && note.pcr == 8)
    }
}
