import AttestationTestKit
import Foundation
import TCGEventLog
import TPMStructures
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
        for (log, answer) in zip(logs, try SecondReader.read(logs, as: .auto)) {
            #expect(ReaderComparison.compare(log, as: .auto, with: answer) == .same(accepted: true))
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
        let answers = try SecondReader.read(logs, as: .auto)
        #expect(answers.count == logs.count)
        for (place, answer) in answers.enumerated() {
            let outcome = ReaderComparison.compare(logs[place], as: .auto, with: answer)
            #expect(outcome == .same(accepted: true), "\(paths[place])")
        }
        #expect(answers.contains { if case .accepted(let reading) = $0 { reading.kind == "cc" } else { false } })
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
        try compareMutants(10_000, of: [TestVectors.golden.eventLog] + built.map(\.bytes), as: .tpm, seed: 26)
    }

    @Test("EL-26: two thousand mutants of CC event logs are accepted or refused alike, with the same registers")
    func confidentialMutants() throws {
        var small = EventLogBuilder(banks: [.sha384])
        small.headerRegister = 1
        small.append(1, .efiVariableDriverConfig, EventLogData.variable("SecureBoot", value: [1]))
        for register in UInt32(1)...3 { small.append(register, .separator, [0, 0, 0, 0]) }
        var large = EventLogBuilder.honest(banks: [.sha384, .sm3])
        large.headerRegister = 1
        for place in large.events.indices { large.events[place].pcr = large.events[place].pcr % 4 + 1 }
        let padded = small.bytes + [UInt8](repeating: 0xFF, count: 200)
        try compareMutants(2000, of: [small.bytes, large.bytes, padded], as: .cc, seed: 27)
    }

    @Test(
        "EL-26: two thousand mutants of the corpus's logs are accepted or refused alike, with the same registers",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"))
    func corpusMutants() throws {
        let corpus = try #require(TestVectors.corpus)
        let folder = corpus.root.appendingPathComponent("eventlogs")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".bin") }
        let logs = try names.sorted().map { try corpus.bytes("eventlogs/\($0)") }.filter { $0.count < 30_000 }
        let kinds = try Dictionary(grouping: logs) { try TCGEventLog(parsing: $0).registers }
        try compareMutants(2000, of: kinds[.pcrs] ?? [], as: .tpm, seed: 28)
        try compareMutants(200, of: kinds[.measurementRegisters] ?? [], as: .cc, seed: 29)
    }

    private func compareMutants(
        _ count: Int, of seeds: [[UInt8]], as kind: SecondReader.Kind, seed: UInt64
    ) throws {
        var mutator = try EventLogMutator(seeds, seed: seed)
        let logs = (0..<count).map { _ in mutator.next() }
        let answers = try SecondReader.read(logs, as: kind)
        #expect(answers.count == logs.count)
        var accepted = 0
        var explained: [ReaderComparison.Rule: Int] = [:]
        for (place, answer) in answers.enumerated() {
            switch ReaderComparison.compare(logs[place], as: kind, with: answer) {
            case .same(let both): accepted += both ? 1 : 0
            case .explained(let rule): explained[rule, default: 0] += 1
            case .unexplained(let difference): Issue.record("mutant \(place): \(difference)")
            }
        }
        // Both answers must be common, or the mutants would test one branch.
        #expect(accepted > count / 5 && accepted < count * 9 / 10, "\(accepted) accepted, \(explained)")
    }

    @Test("EL-26: each rule that explains a difference has a log that needs it, and explains nothing else")
    func explainedDifferences() throws {
        // Zero digests and data, so that the bytes also read as two SHA-1 records.
        var headerless = EventLogBuilder(banks: [.sha256])
        headerless.writesHeader = false
        headerless.appendNoAction([UInt8](repeating: 0, count: 14))
        var manyAlgorithms = EventLogBuilder(banks: [.sha256])
        manyAlgorithms.headerData = EventLogBuilder.specID([(0xB, 32)] + (0xE0...0xE7).map { ($0, 32) })
        var longDigest = manyAlgorithms
        longDigest.headerData = EventLogBuilder.specID([(0xB, 32), (0xE0, 65)])
        var emptyDigest = manyAlgorithms
        emptyDigest.headerData = EventLogBuilder.specID([(0xB, 32), (0xE0, 0)])
        var lateLocality = EventLogBuilder.honest()
        lateLocality.appendNoAction(Array("StartupLocality".utf8) + [0, 3])
        let cases: [(EventLogBuilder, ReaderComparison.Rule)] = [
            (headerless, .lostHeader), (manyAlgorithms, .algorithmBounds), (longDigest, .algorithmBounds),
            (emptyDigest, .algorithmBounds), (lateLocality, .startupLocality),
        ]
        let answers = try SecondReader.read(cases.map(\.0.bytes), as: .tpm)
        for (place, answer) in answers.enumerated() {
            #expect(
                ReaderComparison.compare(cases[place].0.bytes, as: .tpm, with: answer) == .explained(cases[place].1),
                "\(answer)")
        }
        #expect(Set(cases.map(\.1)) == Set(ReaderComparison.Rule.allCases))
    }
}
