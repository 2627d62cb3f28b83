import AttestationTestKit
import Foundation
import TCGEventLog
import TestVectors
import Testing

@Suite(
    "Event logs through two independent readers",
    .enabled(if: SecondReader.isAvailable, "\(SecondReader.requirement)"))
struct DifferentialTests {
    private static let committed = [
        TestVectors.golden, TestVectors.changedCommandLine, TestVectors.userExtendedPCR8,
    ]

    @Test("EL-26: both readers accept the committed boots and compute the same registers")
    func committedBoots() throws {
        let logs = try Self.committed.map { try $0.eventLog }
        for (log, answer) in zip(logs, try SecondReader.read(logs)) {
            #expect(ReaderComparison.compare(log, with: answer) == .same(accepted: true))
        }
    }

    @Test(
        "EL-26: both readers accept every log of the corpus and compute the same registers",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"))
    func corpus() throws {
        let root = try #require(TestVectors.corpus).root
        let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        let paths = try #require(files).compactMap { ($0 as? URL)?.path }.filter {
            $0.hasSuffix("/eventlog.bin") || $0.contains("/eventlogs/") && $0.hasSuffix(".bin")
        }.sorted()
        #expect(paths.count > 50)
        let logs = try paths.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }
        let answers = try SecondReader.read(logs)
        #expect(answers.count == logs.count)
        for (place, answer) in answers.enumerated() {
            #expect(ReaderComparison.compare(logs[place], with: answer) == .same(accepted: true), "\(paths[place])")
        }
    }

    @Test("EL-26: ten thousand mutants are accepted or refused alike, with the same registers")
    func mutants() throws {
        var legacy = EventLogBuilder.honest(banks: [.sha1])
        legacy.cryptoAgile = false
        var hcrtm = EventLogBuilder.honest(banks: [.sha256], startupLocality: 4)
        hcrtm.events.insert(hcrtm.event(0, .efiHCRTMEvent, Array("HCRTM".utf8)), at: 1)
        let built = [
            EventLogBuilder.honest(), .honest(banks: [.sha1, .sha256], startupLocality: 3),
            .honest(banks: [.sha1, .sha256, .sha384, .sha512]), legacy, hcrtm,
        ]
        var mutator = try EventLogMutator([TestVectors.golden.eventLog] + built.map(\.bytes), seed: 26)
        let logs = (0..<10_000).map { _ in mutator.next() }
        let answers = try SecondReader.read(logs)
        #expect(answers.count == logs.count)
        var accepted = 0
        var explained: [ReaderComparison.Rule: Int] = [:]
        for (place, answer) in answers.enumerated() {
            switch ReaderComparison.compare(logs[place], with: answer) {
            case .same(let both): accepted += both ? 1 : 0
            case .explained(let rule): explained[rule, default: 0] += 1
            case .unexplained(let difference): Issue.record("mutant \(place): \(difference)")
            }
        }
        // Both answers must be common, or the mutants would test one branch; a rule that explains nothing is a dead one.
        #expect(accepted > 2000 && accepted < 9000, "\(accepted) accepted, \(explained)")
        #expect(Set(explained.keys) == Set(ReaderComparison.Rule.allCases), "\(explained)")
    }
}
