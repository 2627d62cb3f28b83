import AttestationTestKit
import ByteParsing
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Replaying event logs")
struct ReplayTests {
    private func attested(_ vector: MeasuredBootVector, bank: PCRBank) throws -> PCRValues {
        var values = PCRValues()
        for (index, text) in try vector.pcrs[bank.name] ?? [:] {
            let pcr = try #require(PCRIndex(index))
            let digest = try #require(Hex.decode(text).flatMap { Digest(algorithm: bank, bytes: $0) })
            values.set(digest, bank: bank, index: pcr)
        }
        return values
    }

    @Test(
        "The golden boot replays to the TPM's values in each of its four banks",
        arguments: [PCRBank.sha1, .sha256, .sha384, .sha512])
    func golden(bank: PCRBank) throws {
        let log = try TCGEventLog(parsing: TestVectors.golden.eventLog)
        let values = try attested(TestVectors.golden, bank: bank)
        #expect(log.replay(againstUnsigned: values).replayed != nil)
        #expect(log.findings() == [])
    }

    @Test("EL-05: a PCR that root extended after the boot is the only one that does not replay")
    func userExtended() throws {
        let log = try TCGEventLog(parsing: TestVectors.userExtendedPCR8.eventLog)
        let mismatches = log.replay(againstUnsigned: try attested(TestVectors.userExtendedPCR8, bank: .sha256))
            .mismatches
        #expect(mismatches.map(\.pcr.rawValue) == [8])
        #expect(mismatches.first?.eventCount ?? 0 > 0)
    }

    @Test("EL-14: the log of another boot does not replay")
    func otherBoot() throws {
        let log = try TCGEventLog(parsing: TestVectors.changedCommandLine.eventLog)
        let mismatches = log.replay(againstUnsigned: try attested(TestVectors.golden, bank: .sha256)).mismatches
        #expect(mismatches.map(\.pcr.rawValue) == [8, 9])
    }

    @Test(
        "EL-14: a PCR whose events were all deleted must hold its initial value, and an empty log agrees with nothing")
    func deletedEvents() throws {
        let honest = EventLogBuilder.honest()
        for pcr in (0...9).map(UInt32.init) + [14] {
            var builder = honest
            builder.events.removeAll { $0.pcr == pcr }
            let mismatches = try builder.log.replay(againstUnsigned: honest.sealed()).mismatches
            #expect(mismatches.map { UInt32($0.pcr.rawValue) } == [pcr])
        }
        var empty = honest
        empty.events = []
        #expect(try empty.log.replay(againstUnsigned: honest.sealed()).mismatches.count == 11)
        #expect(try empty.log.replay(againstUnsigned: empty.sealed()).replayed != nil)
    }

    @Test("Without a register to compare nothing agrees")
    func nothingToCompare() throws {
        let log = try EventLogBuilder.honest().log
        guard case .nothingToCompare = log.replay(againstUnsigned: PCRValues()) else {
            Issue.record("an empty set of values agreed")
            return
        }
        var other = PCRValues()
        other.set(.zero(.sha256), bank: .sha256, index: try #require(PCRIndex(16)))
        #expect(log.replay(againstUnsigned: other).replayed == nil)
    }

    @Test("EL-24: a PCR that the system extends after the log is judged only where the caller covers it")
    func coverage() throws {
        let honest = EventLogBuilder.honest()
        var running = honest
        running.append(11, .ipl, Array("leave-initrd".utf8))
        let log = try honest.log
        #expect(log.replay(againstUnsigned: running.sealed()).replayed != nil)
        let pcr11 = PCRSet([try #require(PCRIndex(11))])
        #expect(log.replay(againstUnsigned: running.sealed(), covering: pcr11).mismatches.count == 1)
    }

    @Test("QF-06: a bank that the log does not extend agrees with nothing that was extended in it, and is named")
    func foreignBank() throws {
        let log = try EventLogBuilder.honest(banks: [.sha1]).log
        let filled = EventLogBuilder.honest(banks: [.sha1, .sha256]).sealed()
        #expect(Set(log.replay(againstUnsigned: filled).mismatches.map(\.bank)) == [.sha256])
        #expect(log.bankFindings(attested: [.sha1, .sha256]).map(\.id) == [.bankUnused])

        var unused = EventLogBuilder.honest(banks: [.sha1, .sha256])
        for index in unused.events.indices { unused.events[index].digests.removeLast() }
        #expect(try unused.log.bankFindings(attested: [.sha256]).map(\.id) == [.bankUnused])
    }

    @Test(
        "EL-08: the startup locality starts PCR 0, and the log must state the true one",
        arguments: [0, 3, 4] as [UInt8])
    func startupLocality(value: UInt8) throws {
        let builder = EventLogBuilder.honest(startupLocality: value)
        let log = try builder.log
        #expect(log.replay(againstUnsigned: builder.sealed(startupLocality: value)).replayed != nil)
        #expect(log.findings().isEmpty)
        let silent = try EventLogBuilder.honest().log
        let outcome = silent.replay(againstUnsigned: builder.sealed(startupLocality: value))
        #expect((outcome.replayed != nil) == (value == 0))
    }

    @Test("EL-08: a startup locality twice, late, elsewhere, malformed or unknown is a finding")
    func falseStartupLocality() throws {
        let statement = Array("StartupLocality".utf8) + [0]
        func findings(_ change: (inout EventLogBuilder) -> Void) throws -> [LogFinding] {
            var builder = EventLogBuilder.honest(startupLocality: 3)
            change(&builder)
            return try builder.log.findings().filter { $0.id == .startupLocality }
        }
        #expect(try findings { $0.events.insert($0.noAction(statement + [3]), at: 1) }.count == 1)
        #expect(try findings { $0.events.swapAt(0, 1) }.count == 1)
        #expect(try findings { $0.events[0].pcr = 4 }.count == 1)
        #expect(try findings { $0.events[0].data = statement }.count == 1)
        #expect(try findings { $0.events[0].data = statement + [3, 3] }.count == 1)
        for value in [1, 2, 5, 0xFF] as [UInt8] {
            #expect(try findings { $0.events[0].data = statement + [value] }.count == 1)
        }
        #expect(try findings { _ in }.isEmpty)
    }

    @Test("EL-09: an H-CRTM event starts PCR 0 at locality 4; without it the log does not replay")
    func hCRTM() throws {
        var builder = EventLogBuilder.honest()
        builder.events.insert(builder.event(0, .efiHCRTMEvent, Array("HCRTM".utf8), measuring: [7]), at: 0)
        let sealed = builder.sealed(startupLocality: 4)
        #expect(try builder.log.replay(againstUnsigned: sealed).replayed != nil)
        #expect(try builder.log.replay().startupLocality == 4)
        let withoutEvent = try EventLogBuilder.honest().log
        #expect(withoutEvent.replay(againstUnsigned: sealed).mismatches.map(\.pcr.rawValue) == [0])
        builder.events.insert(builder.noAction(Array("StartupLocality".utf8) + [0, 3]), at: 0)
        #expect(try builder.log.findings().contains { $0.id == .startupLocality })
    }

    @Test("EL-07: EV_NO_ACTION is never extended")
    func noActionIsNotExtended() throws {
        var builder = EventLogBuilder.honest()
        let event = builder.event(0, .noAction, Array("SP800-155 Event3".utf8))
        let before = builder.sealed()
        builder.events.insert(event, at: 0)
        let log = try builder.log
        #expect(log.replay(againstUnsigned: before).replayed != nil)
        // A TPM that was extended with its digest does not agree.
        var extended = builder
        extended.events[0].type = .postCode
        #expect(log.replay(againstUnsigned: extended.sealed()).mismatches.map(\.pcr.rawValue) == [0])
    }
}
