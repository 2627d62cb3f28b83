import AttestationTestKit
import Foundation
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Quirks")
struct QuirkTests {
    private func quirks(_ change: (inout EventLogBuilder) throws -> Void) throws -> [ObservedQuirk] {
        var builder = EventLogBuilder.honest(banks: [.sha1, .sha256])
        try change(&builder)
        return try builder.log.quirks()
    }

    @Test("The manual's table of quirks is the code's")
    func table() throws {
        let file = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../Sources/Bootgate.docc/Quirks.md")
        let text = String(decoding: try Data(contentsOf: file.standardizedFileURL), as: UTF8.self)
        for quirk in LogQuirk.allCases {
            let about = quirk.entry
            let row =
                "| `\(quirk.rawValue)` | \(about.reason.map { "`\($0)`" } ?? "note") | \(about.meaning) | \(about.seenOn) | "
                + "\(about.reason == nil ? "–" : about.isWaivable ? "yes" : "no") |"
            #expect(text.contains(row), "\(row)")
        }
        #expect(text.split(separator: "\n").count { $0.hasPrefix("| `") } == LogQuirk.allCases.count)
    }

    @Test("An honest log has no quirk")
    func honest() throws {
        #expect(try quirks { _ in }.isEmpty)
    }

    @Test("Deviations without weight are noted with register, count and subject")
    func notes() throws {
        let seen = try quirks { builder in
            builder.append(8, .ipl, [])
            builder.append(8, TCGEventType(rawValue: 0x8401), [1])
            builder.append(12, .separator, Array("WBCL".utf8))
            builder.append(9, .eventTag, [1, 0, 0, 0, 1, 0, 0, 0, 0xFF], measuring: [1])
            let place = try #require(builder.index { $0.pcr == 2 && $0.type == .separator })
            builder.events[place].digests.reverse()
        }
        let names = Dictionary(uniqueKeysWithValues: seen.map { ($0.quirk, $0) })
        #expect(names.keys.count == 5)
        #expect(names[.emptyEvent]?.pcr?.rawValue == 8 && names[.emptyEvent]?.count == 1)
        #expect(names[.unknownType]?.subjects == ["0x00008401"])
        #expect(names[.windowsSeparator]?.pcr?.rawValue == 12)
        #expect(names[.contentDigest]?.pcr?.rawValue == 9)
        #expect(names[.digestOrder]?.pcr?.rawValue == 2)
        #expect(seen.allSatisfy { $0.quirk.entry.reason == nil && $0.eventIndices.count == $0.count })
    }

    @Test("Deviations that break a rule carry the quirk's name and its reason")
    func findings() throws {
        let seen = try quirks { builder in
            builder.append(1, .efiVariableBoot, EventLogData.variable("BootOrder", value: [1, 0]))
            builder.append(1, .efiVariableBoot, EventLogData.variable("Boot0001", value: [1, 0]))
            let place = try #require(builder.index { $0.pcr == 3 && $0.type == .separator })
            builder.events.insert(builder.events[place], at: place)
            let boot = try #require(builder.index { $0.pcr == 4 })
            builder.events[boot].digests.removeFirst()
        }
        #expect(
            seen.map { "\($0.quirk.rawValue) \($0.pcr.map { String($0.rawValue) } ?? "-") \($0.count)" } == [
                "event-after-separator 1 2", "separator-repeated 3 1", "digest-missing 4 1",
            ])
        for finding in try EventLogBuilder.honest().log.findings() { #expect(finding.quirk != nil) }
    }

    @Test("A platform key that calls itself untrusted is noted, another is not")
    func testPlatformKey() throws {
        /// As much of a certificate as leads to its subject's common name.
        func certificate(_ name: String) -> [UInt8] {
            func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, UInt8(content.count)] + content }
            let text = der(0x30, der(0x06, [0x55, 0x04, 0x03]) + der(0x0C, Array(name.utf8)))
            let subject = der(0x30, der(0x31, text))
            let empty = der(0x30, [])
            return der(0x30, der(0x30, der(0x02, [1]) + empty + empty + empty + subject))
        }
        for (name, isTest) in [("DO NOT TRUST - AMI Test PK", true), ("Do not ship", true), ("Maker's PK", false)] {
            let key = certificate(name)
            let list = try #require(EFISignatureList(.x509, entries: [.init(owner: .globalVariable, data: key)]))
            let seen = try quirks { builder in
                let place = try #require(
                    builder.index {
                        $0.pcr == 7 && EventLogData.utf16("PK").elementsEqual($0.data.dropFirst(32).prefix(4))
                    })
                builder.events[place] = builder.event(
                    7, .efiVariableDriverConfig, EventLogData.variable("PK", value: list.marshalled))
            }
            #expect(seen.map(\.quirk) == (isTest ? [.testPlatformKey] : []), "\(name)")
            #expect(seen.first?.subjects == (isTest ? [name] : nil))
        }
    }

    @Test(
        "Quirks that break a rule give findings of their reason in every log of the corpus",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"),
        arguments: CorpusManifest.eventLogs)
    func corpus(_ item: CorpusManifest.Item) throws {
        let log = try TCGEventLog(parsing: try #require(TestVectors.corpus).bytes(item.file))
        let findings = log.findings()
        for quirk in log.quirks(findings: findings) {
            guard let reason = quirk.quirk.entry.reason else { continue }
            let own = findings.filter { $0.quirk == quirk.quirk && $0.pcr == quirk.pcr }
            #expect(own.count == quirk.count)
            #expect(own.allSatisfy { $0.id == reason || $0.id == .type }, "\(quirk)")
        }
    }
}
