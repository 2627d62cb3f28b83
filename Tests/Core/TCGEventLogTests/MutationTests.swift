import AttestationTestKit
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Hostile event logs")
struct MutationTests {
    /// Everything that reads a log, on whatever bytes: returns, or throws with an offset inside them.
    private func readAll(_ bytes: [UInt8]) -> Bool {
        do throws(TCGEventLogError) {
            let log = try TCGEventLog(parsing: bytes)
            _ = log.replay()
            for finding in log.findings() { _ = finding.detail }
            for event in log.events { _ = (event.description, event.component, event.dataVerification) }
            return true
        } catch {
            #expect(error.offset >= 0 && error.offset <= bytes.count)
            return false
        }
    }

    @Test("EL-13: three thousand mutants of our own logs are read or refused, never a trap")
    func mutants() throws {
        var generator = SeededGenerator(seed: 13)
        let seeds = [
            try TestVectors.golden.eventLog, EventLogBuilder.honest(banks: [.sha1, .sha256], startupLocality: 3).bytes,
        ]
        var refused = 0
        for round in 0..<3000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch UInt8.random(in: 0...4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 2: bytes[place] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
                case 3: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0...64, using: &generator)))
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                }
            }
            if !readAll(bytes) { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test("Mutated event data is read or refused, never a trap")
    func mutatedData() throws {
        var generator = SeededGenerator(seed: 18)
        let honest = EventLogBuilder.honest()
        let types: [TCGEventType] = [
            .efiVariableBoot, .efiVariableAuthority, .efiBootServicesApplication, .efiGPTEvent, .eventTag, .ipl,
            .efiPlatformFirmwareBlob2, .efiHandoffTables, .efiHandoffTables2, .scrtmVersion, .noAction, .separator,
        ]
        let samples = try TCGEventLog(parsing: TestVectors.golden.eventLog).events.dropFirst().map(\.data)
        for _ in 0..<200 {
            var builder = EventLogBuilder(banks: [.sha256])
            for _ in 0..<20 {
                var data = samples.randomElement(using: &generator) ?? []
                for _ in 0..<3 where !data.isEmpty {
                    data[Int.random(in: 0..<data.count, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
                builder.append(
                    UInt32.random(in: 0...14, using: &generator), types.randomElement(using: &generator) ?? .ipl, data)
            }
            #expect(readAll(builder.bytes))
        }
        #expect(readAll(honest.bytes))
    }

    @Test(
        "EL-14: every prefix of a real log is refused with the offset or is a shorter log",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"), arguments: CorpusManifest.eventLogs)
    func prefixes(_ item: CorpusManifest.Item) throws {
        let bytes = try #require(TestVectors.corpus).bytes(item.file)
        let whole = try TCGEventLog(parsing: bytes)
        let ends = Set(whole.events.map(\.range.upperBound))
        let end = whole.padding.lowerBound
        // Around every record's parts; every byte would take minutes in a debug build and finds the same branches.
        var lengths = Set(0...min(80, end))
        for event in whole.events {
            let marks = [
                event.range.lowerBound, event.range.lowerBound + 12, event.dataRange.lowerBound, event.range.upperBound,
            ]
            for mark in marks {
                for length in mark - 5...mark + 5 where length >= 0 && length <= end { lengths.insert(length) }
            }
        }
        for length in lengths {
            do throws(TCGEventLogError) {
                let log = try TCGEventLog(parsing: Array(bytes[..<length]))
                let atPadding = !log.padding.isEmpty
                #expect(atPadding || ends.contains(length), "prefix \(length) of \(item.file)")
            } catch {
                #expect(error.offset <= length)
                #expect(error.reason == .truncated || length < 80, "prefix \(length) of \(item.file): \(error)")
            }
        }
    }
}
