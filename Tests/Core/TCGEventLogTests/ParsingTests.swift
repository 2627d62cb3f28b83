import AttestationTestKit
import ByteParsing
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Parsing event logs")
struct ParsingTests {
    private func refusal(_ bytes: [UInt8]) -> TCGEventLogError? {
        do throws(TCGEventLogError) {
            _ = try TCGEventLog(parsing: bytes)
            return nil
        } catch {
            return error
        }
    }

    private func refusal(_ change: (inout EventLogBuilder) -> Void) -> TCGEventLogError? {
        var builder = EventLogBuilder.honest(banks: [.sha1, .sha256])
        change(&builder)
        return refusal(builder.bytes)
    }

    @Test("What the builder writes is what the parser reads", arguments: [[PCRBank.sha256], PCRBank.allCases])
    func roundTrip(banks: [PCRBank]) throws {
        let builder = EventLogBuilder.honest(banks: banks)
        let log = try builder.log
        #expect(log.format == .cryptoAgile)
        #expect(log.banks == banks)
        #expect(log.events.count == builder.events.count + 1)
        for (event, written) in zip(log.events.dropFirst(), builder.events) {
            #expect(event.registerIndex == written.pcr)
            #expect(event.untrustedEventType == written.type)
            #expect(event.data == written.data)
            #expect(event.digests.map(\.bytes) == written.digests.map(\.bytes))
        }
        #expect(EventLogBuilder(log).bytes == builder.bytes)
    }

    @Test("An algorithm this product cannot compute is sized by the header")
    func unknownAlgorithm() throws {
        var builder = EventLogBuilder.honest()
        builder.headerData = EventLogBuilder.specID([(0x000B, 32), (0x0027, 32)])
        for index in builder.events.indices {
            builder.events[index].digests.append((TPMAlgID(rawValue: 0x0027), [UInt8](repeating: 9, count: 32)))
        }
        let log = try builder.log
        #expect(log.banks == [.sha256])
        #expect(log.algorithms.count == 2)
        #expect(log.findings().isEmpty)
        #expect(log.replay().values == builder.sealed())
    }

    // MARK: EL-10

    struct HeaderCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let header: [UInt8]
    }
    static let headers = [
        HeaderCase(testDescription: "sha256 size 20", header: EventLogBuilder.specID([(0x0B, 20)])),
        HeaderCase(testDescription: "count 65,535", header: EventLogBuilder.specID([(0x0B, 32)], count: 65_535)),
        HeaderCase(testDescription: "count 0", header: EventLogBuilder.specID([])),
        HeaderCase(
            testDescription: "nine algorithms",
            header: EventLogBuilder.specID((0..<9).map { (UInt16(0x80 + $0), 32) })),
        HeaderCase(testDescription: "count over the list", header: EventLogBuilder.specID([(0x0B, 32)], count: 2)),
        HeaderCase(testDescription: "an algorithm twice", header: EventLogBuilder.specID([(0x0B, 32), (0x0B, 32)])),
        HeaderCase(testDescription: "unknown algorithm of 0 bytes", header: EventLogBuilder.specID([(0x99, 0)])),
        HeaderCase(testDescription: "unknown algorithm of 65 bytes", header: EventLogBuilder.specID([(0x99, 65)])),
        HeaderCase(
            testDescription: "vendor size 255 with 3 bytes left",
            header: EventLogBuilder.specID([(0x0B, 32)], vendorSize: 255, vendorInfo: [1, 2, 3])),
        HeaderCase(
            testDescription: "a byte behind the vendor's", header: EventLogBuilder.specID([(0x0B, 32)], vendorInfo: [1])
        ),
        HeaderCase(
            testDescription: "legacy signature",
            header: EventLogBuilder.specID([(0x0B, 32)], signature: "Spec ID Event00")),
    ]

    @Test("EL-10: a header that lies about algorithms or sizes is refused", arguments: headers)
    func lyingHeader(_ testCase: HeaderCase) throws {
        var builder = EventLogBuilder.honest()
        builder.headerData = testCase.header
        let error = try #require(refusal(builder.bytes))
        #expect(error.reason == .header)
    }

    @Test("EL-10: a crypto-agile log without, with two or with a late header is refused")
    func headerPlace() throws {
        let header = EventLogBuilder.specID([(0x04, 20), (0x0B, 32)])
        #expect(refusal { $0.writesHeader = false }?.reason == .header)
        #expect(refusal { $0.events.insert($0.noAction(header), at: 0) }?.reason == .header)
        #expect(refusal { $0.appendNoAction(header) }?.reason == .header)
        #expect(
            refusal {
                $0.writesHeader = false
                $0.events.insert($0.noAction(header), at: 1)
            }?.reason == .header)
    }

    @Test("A SHA-1 log may begin with the header of TCG 1.2, which is no finding there and nowhere else")
    func legacyHeader() throws {
        for signature in ["Spec ID Event00", "Spec ID Event02"] {
            var builder = EventLogBuilder.honest(banks: [.sha1])
            builder.cryptoAgile = false
            let header = EventLogBuilder.specID([], signature: signature)
            builder.events.insert(builder.noAction(header), at: 0)
            let log = try builder.log
            #expect(log.format == .sha1)
            #expect(log.findings().isEmpty)
            builder.events.insert(builder.noAction(header), at: 1)
            #expect(try builder.log.findings().map(\.id) == [.noAction])
        }
    }

    @Test("EL-10: a header with another type or a digest is refused")
    func headerTypeAndDigest() throws {
        var bytes = EventLogBuilder.honest().bytes
        bytes[4] = 5
        #expect(refusal(bytes)?.reason == .header)
        bytes[4] = 3
        bytes[8] = 1
        #expect(refusal(bytes)?.reason == .header)
    }

    // MARK: EL-11, EL-12

    static let places = [0, 1, 10, 20, 23]

    @Test("EL-11: a digest list that is not the header's is refused", arguments: places)
    func digestList(place: Int) throws {
        #expect(refusal { $0.events[place].digests[1] = $0.events[place].digests[0] }?.reason == .digestList)
        #expect(
            refusal { $0.events[place].digests.append((TPMAlgID(rawValue: 0x99), [UInt8](repeating: 0, count: 32))) }?
                .reason == .digestList)
        #expect(
            refusal { $0.events[place].digests[1].algorithm = TPMAlgID(rawValue: 0x99) }?.reason == .digestList)
        #expect(refusal { $0.events[place].digestCount = 0 }?.reason == .digestList)
        #expect(refusal { $0.events[place].digestCount = 65_535 }?.reason == .digestList)
    }

    @Test("EL-11: a bank missing in one event is a finding, and replay fails in that bank alone", arguments: places)
    func missingBank(place: Int) throws {
        let honest = EventLogBuilder.honest(banks: [.sha1, .sha256])
        var builder = honest
        builder.events[place].digests.removeAll { $0.algorithm == .sha256 }
        let log = try builder.log
        #expect(log.findings().contains { $0.id == .digestList && $0.severity == .contraindicated })
        let mismatches = log.replay(againstUnsigned: honest.sealed()).mismatches
        #expect(mismatches.map(\.bank) == [.sha256])
        #expect(mismatches.first?.pcr.rawValue == UInt8(builder.events[place].pcr))
    }

    @Test("EL-12: a PCR index beyond the table is refused, in both formats", arguments: [24, 32, UInt32.max])
    func pcrIndex(index: UInt32) throws {
        let error = try #require(refusal { $0.events[3].pcr = index })
        #expect(error.reason == .pcrIndex)
        #expect(
            refusal {
                $0.cryptoAgile = false
                $0.events[3].pcr = index
            }?.reason == .pcrIndex)
    }

    // MARK: EL-13

    @Test(
        "EL-13: a size field beyond the bytes is refused before anything is allocated",
        arguments: [0x7FFF_FFFF, UInt32.max])
    func hugeSizes(size: UInt32) throws {
        for place in EventLogBuilder.honest(banks: [.sha1, .sha256]).events.indices {
            #expect(refusal { $0.events[place].eventSize = size }?.reason == .truncated)
            #expect(
                refusal {
                    $0.cryptoAgile = false
                    $0.events[place].eventSize = size
                }?.reason == .truncated)
        }
    }

    @Test("A log above 16 MiB or 65,536 events is refused")
    func caps() throws {
        #expect(refusal([UInt8](repeating: 7, count: TCGEventLog.maximumSize + 1))?.reason == .format)
        var builder = EventLogBuilder(banks: [.sha1])
        let event = builder.event(0, .postCode, [])
        builder.events = [TCGEventLog.maximumEvents].flatMap { _ in
            [EventLogBuilder.Event](repeating: event, count: TCGEventLog.maximumEvents - 1)
        }
        #expect(try builder.log.events.count == TCGEventLog.maximumEvents)
        builder.events.append(event)
        #expect(refusal(builder.bytes)?.reason == .format)
    }

    // MARK: Ends

    @Test("EL-14: every prefix is refused at an offset inside it, or is a shorter log that does not replay")
    func everyPrefix() throws {
        let builder = EventLogBuilder.honest()
        let bytes = builder.bytes
        let sealed = builder.sealed()
        for length in 0..<bytes.count {
            do throws(TCGEventLogError) {
                let log = try TCGEventLog(parsing: Array(bytes[..<length]))
                #expect(log.replay(againstUnsigned: sealed).replayed == nil, "prefix \(length)")
                #expect(log.events.last?.range.upperBound == length)
            } catch {
                #expect(error.offset <= length, "prefix \(length): \(error)")
            }
        }
    }

    @Test("Padding is at least one empty record of equal 0x00 or 0xFF bytes; anything else is a truncated record")
    func padding() throws {
        let bytes = EventLogBuilder.honest().bytes
        for filler in [UInt8(0), 0xFF] {
            let log = try TCGEventLog(parsing: bytes + [UInt8](repeating: filler, count: 64))
            #expect(log.padding.count == 64)
            #expect(log.replay().values == EventLogBuilder.honest().sealed())
            #expect(refusal(bytes + [UInt8](repeating: filler, count: 15)) != nil)
        }
        #expect(refusal(bytes + [UInt8](repeating: 0, count: 64) + [1]) != nil)
        #expect(refusal(bytes + [1]) != nil)
        #expect(refusal([UInt8](repeating: 0, count: 32)) == nil)
        #expect(refusal([])?.reason == .truncated)
    }

    @Test("EL-25: a SHA-1 log cannot account for a SHA-256 bank")
    func legacyFormat() throws {
        var builder = EventLogBuilder.honest(banks: [.sha1])
        builder.cryptoAgile = false
        let log = try builder.log
        #expect(log.format == .sha1)
        #expect(log.replay(againstUnsigned: builder.sealed()).replayed != nil)
        #expect(log.bankFindings(attested: [.sha1]).isEmpty)
        let findings = log.bankFindings(attested: [.sha1, .sha256])
        #expect(findings.contains { $0.id == .format && $0.name == "sha256" })
    }
}
