import ByteParsing
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Event logs of the corpus", .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"))
struct CorpusTests {
    @Test(
        "A real log parses to the manifest's events and banks and replays to its values",
        arguments: CorpusManifest.eventLogs)
    func parsesAndReplays(_ item: CorpusManifest.Item) throws {
        let expected = try #require(item.expected)
        let log = try TCGEventLog(parsing: try #require(TestVectors.corpus).bytes(item.file))
        #expect(log.events.count == expected.events)
        #expect(log.padding.count == expected.trailingPaddingBytes ?? 0)
        #expect(Set(log.banks.map { $0.name == "sm3-256" ? "sm3_256" : $0.name }) == Set(item.banks ?? []))
        var types: [String: Int] = [:]
        for event in log.events { types[event.untrustedEventType.description.lowercased(), default: 0] += 1 }
        for (name, count) in item.eventTypes ?? [:] { #expect(types[name.lowercased()] == count, "\(name)") }

        let replay = log.replay()
        #expect(Int(replay.startupLocality) == expected.startupLocality ?? 0)
        for (bankName, values) in expected.replayedPcrs ?? [:] {
            let bank = try #require(PCRBank(rawValue: bankName))
            #expect(replay.extended[bank]?.indices.count == values.count, "\(bankName)")
            for (index, value) in values {
                let pcr = try #require(Int(index).flatMap { PCRIndex($0) })
                #expect(replay.values[bank, pcr]?.hex == value, "\(bankName) PCR \(index)")
            }
        }
        for (bankName, values) in expected.replayedRtmr ?? [:] {
            let bank = try #require(PCRBank(rawValue: bankName))
            for (register, value) in values {
                let index = try #require(Int(register.dropFirst(2)).flatMap { PCRIndex($0) })
                #expect(replay.values[bank, index]?.hex == value, "\(bankName) \(register)")
            }
        }
    }

    @Test("The values that a TPM held agree with the log, register by register", arguments: CorpusManifest.eventLogs)
    func agreesWithTheTPM(_ item: CorpusManifest.Item) throws {
        guard let documented = item.expected?.documentedPcrs else { return }
        let log = try TCGEventLog(parsing: try #require(TestVectors.corpus).bytes(item.file))
        var attested = PCRValues()
        for (bankName, values) in documented {
            guard let bank = PCRBank(rawValue: bankName) else { continue }
            for (index, value) in values {
                guard let pcr = Int(index).flatMap({ PCRIndex($0) }), log.extendedPCRs.contains(pcr),
                    let digest = Hex.decode(value).flatMap({ Digest(algorithm: bank, bytes: $0) })
                else { continue }
                attested.set(digest, bank: bank, index: pcr)
            }
        }
        let outcome = log.replay(againstUnsigned: attested)
        #expect(
            (outcome.replayed != nil) == (item.expected?.replayAgreesWithDocumented == true), "\(outcome.mismatches)"
        )
    }
}
