import Foundation
import TestVectors

/// The members of the corpus's `MANIFEST.json` by which event log tests judge.
struct CorpusManifest: Decodable {
    struct Item: Decodable, Sendable, CustomStringConvertible {
        struct Expected: Decodable, Sendable {
            let parse: String?
            let events: Int?
            let replayed_pcrs: [String: [String: String]]?
            let documented_pcrs: [String: [String: String]]?
            let replay_agrees_with_documented: Bool?
            let replayed_rtmr: [String: [String: String]]?
            let trailing_padding_bytes: Int?
            let startup_locality: Int?
            let secure_boot_variable: String?
        }
        let file: String
        let kind: String
        let banks: [String]?
        let event_types: [String: Int]?
        let expected: Expected?

        var description: String { file }
    }
    let items: [Item]

    /// Every event log with its known-right answers; empty when the corpus is absent.
    static let eventLogs: [Item] = {
        guard let corpus = TestVectors.corpus, let bytes = try? corpus.manifest(),
            let manifest = try? JSONDecoder().decode(CorpusManifest.self, from: Data(bytes))
        else { return [] }
        return manifest.items.filter { $0.kind == "eventlogs" && $0.expected?.parse != nil }
    }()
}
