import Appraisal
import AttestationTestKit
import Foundation
import ReferenceValues
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Edited event data")
struct EditedDataTests {
    /// Logs whose own machine passes against references captured from it.
    private struct Sample {
        var name: String
        var log: TCGEventLog
        var machine: SealedMachine
        var appraiser: Appraiser
        var verdict: AttestationResult.Verdict

        init?(_ name: String, _ bytes: [UInt8]) throws {
            log = try TCGEventLog(parsing: bytes)
            guard log.registers == .pcrs, log.banks.contains(.sha256) else { return nil }
            self.name = name
            machine = try SealedMachine(
                EventLogBuilder(log), quoting: Set(log.banks), startupLocality: log.replay().startupLocality)
            machine.eventLog = bytes
            guard let references = try? machine.captured() else { return nil }
            appraiser = Appraiser(references: try CompiledReferences(references), policy: .strict)
            verdict = appraiser.appraise(machine.input()).verdict
            guard verdict == .pass else { return nil }
        }
    }

    /// The bytes that the digest covers: a prefix of GRUB's and a final NUL are measured by nobody, older firmware leaves a
    /// boot variable's name out. All bytes where the digest covers none.
    private func covered(_ event: TCGPCREvent2) -> Range<Int> {
        let range = event.dataRange
        switch event.dataVerification {
        case .verified(.variableValue):
            if case .variable(let variable)? = try? event.decoded() { return variable.valueRange }
            return range
        case .verified(.textBehindPrefix):
            return min(range.lowerBound + 16, range.upperBound - 2)..<range.upperBound - 1
        case .verified(.withoutLastByte): return range.lowerBound..<range.upperBound - 1
        case .verified, .contradicted, .unverified: return range
        }
    }

    /// - Returns: how many edits hit data that the digest covers by the profile.
    private func edit(_ sample: Sample, _ generator: inout SeededGenerator) -> Int {
        var hits = 0
        for event in sample.log.events.dropFirst() where event.isExtended && !event.dataRange.isEmpty {
            var changed = sample.machine
            guard let place = covered(event).randomElement(using: &generator) else { continue }
            changed.eventLog[place] ^= UInt8.random(in: 1...255, using: &generator)
            let result = sample.appraiser.appraise(changed.input())
            let isTold = result.findings.contains {
                $0.id == "LOG_DATA_DIGEST" && $0.event == event.index && $0.tier == .contraindicated
            }
            guard event.dataVerified == true, isTold || event.untrustedEventType.coversItsData else {
                // Nesting too deep is refused wherever it stands (row EL-18).
                if result.findings.contains(where: { $0.id == "LOG_DEPTH" }) { continue }
                #expect(result.verdict == sample.verdict, "\(sample.name), byte \(place) of \(event)")
                continue
            }
            hits += 1
            #expect(isTold && result.verdict == .fail, "\(sample.name), byte \(place) of \(event)")
        }
        return hits
    }

    @Test(
        "EL-02: one edited byte in each event of the committed boots fails as LOG_DATA_DIGEST where covered, else changes nothing"
    )
    func committed() throws {
        var generator = SeededGenerator(seed: 2)
        for vector in [TestVectors.golden, TestVectors.changedCommandLine] {
            let sample = try #require(try Sample(vector.name, vector.eventLog))
            #expect(edit(sample, &generator) > 20)
        }
    }

    @Test(
        "EL-02: the same in at least ten logs of real machines",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"))
    func corpus() throws {
        let corpus = try #require(TestVectors.corpus)
        let folder = corpus.root.appendingPathComponent("eventlogs").path
        var generator = SeededGenerator(seed: 3)
        var logs = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        where name.hasSuffix(".bin") && logs < 14 {
            let bytes = try corpus.bytes("eventlogs/\(name)")
            guard let sample = try Sample(name, bytes), sample.log.events.count > 20 else { continue }
            logs += 1
            #expect(edit(sample, &generator) > 5, "\(name)")
        }
        #expect(logs >= 10)
    }
}

extension TCGEventType {
    /// PFP 1.06, section 10.4.1: the digest is defined over the event's data.
    fileprivate var coversItsData: Bool {
        [
            .separator, .action, .efiAction, .scrtmVersion, .efiVariableDriverConfig, .efiVariableBoot,
            .efiVariableBoot2,
            .efiVariableAuthority, .efiGPTEvent, .efiGPTEvent2,
        ].contains(self)
    }
}
