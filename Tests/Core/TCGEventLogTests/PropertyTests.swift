import AttestationTestKit
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Properties of the rules")
struct PropertyTests {
    /// What a finding says, without the event's place in the log.
    private struct Statement: Hashable {
        let id: LogReason
        let severity: LogFinding.Severity
        let pcr: PCRIndex?
        let name: String
        let digests: [Digest]

        init(_ finding: LogFinding) {
            id = finding.id
            severity = finding.severity
            pcr = finding.pcr
            name = finding.name
            digests = finding.digests
        }
    }

    private func statements(_ log: TCGEventLog) -> [Statement: Int] {
        log.findings().reduce(into: [:]) { $0[Statement($1), default: 0] += 1 }
    }

    /// Logs that break rules, truthfully labelled, beside the honest one.
    private static let samples: [EventLogBuilder] = {
        var samples = [EventLogBuilder.honest(startupLocality: 3)]
        var late = EventLogBuilder.honest()
        late.append(1, .efiVariableBoot, EventLogData.variable("BootOrder", value: [2, 0]))
        late.append(2, .efiBootServicesDriver, EventLogData.imageLoad(file: "\\late.efi"))
        samples.append(late)
        var doubled = EventLogBuilder.honest()
        for pcr in UInt32(0)...7 { doubled.append(pcr, .separator, [0, 0, 0, 0]) }
        samples.append(doubled)
        var policy = EventLogBuilder.honest()
        policy.append(7, .efiVariableDriverConfig, EventLogData.variable("SecureBoot", value: [1]))
        samples.append(policy)
        var failed = EventLogBuilder.honest()
        failed.events.removeLast()
        samples.append(failed)
        return samples
    }()

    @Test("EL-15: a thousand merges that keep each PCR's order change neither values nor findings")
    func merges() throws {
        var generator = SeededGenerator(seed: 15)
        for sample in Self.samples {
            let log = try sample.log
            let expected = statements(log)
            let values = log.replay().values
            var streams: [UInt32: [EventLogBuilder.Event]] = [:]
            for event in sample.events { streams[event.pcr, default: []].append(event) }
            for _ in 0..<200 {
                var merged = sample
                merged.events = []
                var rest = streams
                while let pcr = rest.keys.sorted().randomElement(using: &generator) {
                    guard var stream = rest[pcr], !stream.isEmpty else { continue }
                    merged.events.append(stream.removeFirst())
                    rest[pcr] = stream.isEmpty ? nil : stream
                }
                let other = try merged.log
                #expect(other.replay().values == values)
                #expect(statements(other) == expected)
            }
        }
    }

    /// 0 affirming, 1 warning, 2 contraindicated: the worst of the rules and the replay.
    private func tier(_ log: TCGEventLog, _ attested: PCRValues) -> Int {
        guard log.replay(againstUnsigned: attested).replayed != nil else { return 2 }
        return log.findings().map { $0.severity == .warning ? 1 : 2 }.max() ?? 0
    }

    private static let labels: [TCGEventType] =
        (0...0x13).map { TCGEventType(rawValue: $0) } + (1...0x10).map { TCGEventType(rawValue: 0x8000_0000 + $0) }
        + [.efiVariableAuthority, .efiSPDMFirmwareBlob, TCGEventType(rawValue: 0x8401)]

    @Test("Relabelling any subset of events never raises a tier")
    func relabelling() throws {
        var generator = SeededGenerator(seed: 1)
        for sample in Self.samples {
            let attested = sample.sealed(startupLocality: try sample.log.replay().startupLocality)
            let honest = tier(try sample.log, attested)
            // Each event under each label, then random subsets.
            for index in sample.events.indices {
                for label in Self.labels {
                    var changed = sample
                    changed.events[index].type = label
                    let tier = tier(try changed.log, attested)
                    #expect(tier >= honest, "event \(index) \(sample.events[index].type) as \(label)")
                }
            }
            for _ in 0..<300 {
                var changed = sample
                for index in changed.events.indices where Bool.random(using: &generator) {
                    changed.events[index].type = Self.labels.randomElement(using: &generator) ?? .unused
                }
                #expect(tier(try changed.log, attested) >= honest)
            }
        }
    }

    @Test(
        "Relabelling events of a real log never raises its tier",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"))
    func relabellingRealLogs() throws {
        var generator = SeededGenerator(seed: 2)
        let corpus = try #require(TestVectors.corpus)
        for item in CorpusManifest.eventLogs where !item.file.contains("ccel") {
            let log = try TCGEventLog(parsing: corpus.bytes(item.file))
            let attested = log.replay().values
            let honest = tier(log, attested)
            let builder = EventLogBuilder(log)
            for _ in 0..<8 {
                var changed = builder
                let share = Int.random(in: 1...8, using: &generator)
                for index in changed.events.indices where Int.random(in: 0..<8, using: &generator) < share {
                    changed.events[index].type = Self.labels.randomElement(using: &generator) ?? .unused
                }
                guard let other = try? changed.log else { continue }
                #expect(tier(other, attested) >= honest, "\(item.file)")
            }
        }
    }
}
