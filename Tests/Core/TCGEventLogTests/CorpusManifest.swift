import Foundation
import TestVectors

/// The members of the corpus's `MANIFEST.json` by which event log tests judge.
struct CorpusManifest: Decodable {
    struct Item: Decodable, Sendable, CustomStringConvertible {
        struct Expected: Decodable, Sendable {
            let parse: String?
            let events: Int?
            let replayedPcrs: [String: [String: String]]?
            let documentedPcrs: [String: [String: String]]?
            let replayAgreesWithDocumented: Bool?
            let replayedRtmr: [String: [String: String]]?
            let trailingPaddingBytes: Int?
            let startupLocality: Int?
            let secureBootVariable: String?
        }
        let file: String
        let kind: String
        let banks: [String]?
        let eventTypes: [String: Int]?
        let expected: Expected?

        var description: String { file }
    }
    let items: [Item]

    /// Every event log with its known-right answers; empty when the corpus is absent.
    static let eventLogs: [Item] = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let corpus = TestVectors.corpus, let bytes = try? corpus.manifest(),
            let manifest = try? decoder.decode(CorpusManifest.self, from: Data(bytes))
        else { return [] }
        return manifest.items.filter { $0.kind == "eventlogs" && $0.expected?.parse != nil }
    }()
}
