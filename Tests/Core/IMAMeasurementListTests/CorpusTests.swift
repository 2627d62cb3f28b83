import ByteParsing
import Foundation
import IMAMeasurementList
import TPMStructures
import TestVectors
import Testing

@Suite("Measurement lists of the corpus", .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"))
struct CorpusTests {
    struct Manifest: Decodable {
        struct Item: Decodable, Sendable, CustomStringConvertible {
            struct Expected: Decodable, Sendable {
                let parse: String?
                let entries: Int?
                let templates: [String: Int]?
                let violations: Int?
                let replayed: [String: String]?
                let bootAggregate: [String]?
            }
            let file: String
            let kind: String
            let expected: Expected?
            var description: String { file }
        }
        let items: [Item]

        static let lists: [Item] = {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            guard let corpus = TestVectors.corpus, let bytes = try? corpus.manifest(),
                let manifest = try? decoder.decode(Manifest.self, from: Data(bytes))
            else { return [] }
            return manifest.items.filter { $0.kind == "ima" }
        }()
    }

    @Test("A real list reads to the manifest's entries and replays to its registers", arguments: Manifest.lists)
    func readsAndReplays(_ item: Manifest.Item) throws {
        let expected = try #require(item.expected)
        let bytes = try #require(TestVectors.corpus).bytes(item.file)
        var replay = IMAReplay(
            lanes: [PCRBank.sha1, .sha256].flatMap { bank in IMAExtension.allCases.compactMap { IMALane(bank, $0) } })
        var templates: [String: Int] = [:]
        var parser = IMAListParser()
        var refusal: IMAListError?
        do throws(IMAListError) {
            let note = { (entry: IMAMeasurement) in
                replay.add(entry)
                templates[entry.template?.name ?? "?", default: 0] += 1
            }
            try parser.append(bytes.span, note)
            try parser.finish(note)
        } catch {
            refusal = error
        }
        // "N complete entries, then 1 bytes that are no complete entry" is refused, at that byte.
        #expect((refusal == nil) == (expected.parse == "ok"))
        if let refusal { #expect(refusal.offset == bytes.count - 1 && refusal.entry == expected.entries) }
        #expect(replay.entryCount == expected.entries && templates == expected.templates)
        #expect(replay.violationCount == expected.violations ?? 0)
        #expect(replay.tally(.templateDigest).count == 0)
        for (name, value) in expected.replayed ?? [:] {
            let lane =
                switch name {
                case "sha1:10": IMALane(.sha1, .native)
                case "sha256:10": IMALane(.sha256, .native)
                default: IMALane(.sha256, .paddedSHA1)
                }
            #expect(replay.value(try #require(lane), IMAReplay.pcr)?.hex == value, "\(name)")
        }
        for text in expected.bootAggregate ?? [] {
            let own = try #require(replay.bootAggregate).digest.description
            #expect(own == (text.contains(":") ? text : "sha1:" + text))
        }
    }
}
