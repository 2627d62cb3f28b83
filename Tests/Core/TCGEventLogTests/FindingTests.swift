import AttestationTestKit
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Findings of event logs")
struct FindingTests {
    /// Contraindicated findings after a change; the log is sealed, so that only the rules can see it.
    private func findings(_ change: (inout EventLogBuilder) throws -> Void) throws -> [LogFinding] {
        var builder = EventLogBuilder.honest()
        try change(&builder)
        let log = try builder.log
        #expect(log.replay(againstUnsigned: builder.sealed()).replayed != nil)
        return log.findings().filter { $0.severity == .contraindicated }
    }

    private func ids(_ change: (inout EventLogBuilder) throws -> Void) throws -> Set<LogReason> {
        Set(try findings(change).map(\.id))
    }

    @Test("The honest log has no findings at all")
    func honest() throws {
        #expect(try EventLogBuilder.honest(banks: [.sha1, .sha256, .sm3]).log.findings() == [])
    }

    @Test("EL-01: PCR 7 retyped to EV_UNUSED with a forged policy appended is refused, and cannot be waived")
    func retypedPCR7() throws {
        let found = try findings { builder in
            let policy = builder.events.filter { $0.pcr == 7 }
            for index in builder.events.indices where builder.events[index].pcr == 7 {
                builder.events[index].type = .unused
            }
            builder.events += policy
        }
        #expect(found.contains { $0.id == .type && $0.pcr?.rawValue == 7 && !$0.isWaivable })
    }

    @Test(
        "EL-03: a second value of a Secure Boot variable is refused wherever it stands",
        arguments: ["SecureBoot", "PK", "KEK", "db", "dbx"])
    func secondValue(name: String) throws {
        for appended in [true, false] {
            let found = try findings { builder in
                let place = try #require(
                    builder.index {
                        $0.pcr == 7
                            && EventLogData.utf16(name).elementsEqual(
                                $0.data.dropFirst(32).prefix(name.utf16.count * 2))
                    })
                var second = builder.events[place]
                if appended { second.data[second.data.count - 1] ^= 1 }
                second = builder.event(7, .efiVariableDriverConfig, second.data)
                if appended { builder.events.append(second) } else { builder.events.insert(second, at: place + 1) }
            }
            #expect(found.contains { $0.id == .duplicate && !$0.isWaivable })
        }
    }

    enum SeparatorFault: CaseIterable, Sendable { case missing, doubled, early, error }

    @Test(
        "EL-04: a separator that is missing, doubled, early or an error value is refused",
        arguments: Array(0...7) as [UInt32], SeparatorFault.allCases)
    func separators(pcr: UInt32, fault: SeparatorFault) throws {
        let found = try findings { builder in
            let place = try #require(builder.index { $0.pcr == pcr && $0.type == .separator })
            switch fault {
            case .missing: builder.events.remove(at: place)
            case .doubled: builder.events.insert(builder.events[place], at: place)
            case .early: builder.events.insert(builder.events.remove(at: place), at: 0)
            case .error: builder.events[place] = builder.event(pcr, .separator, [1, 0, 0, 0])
            }
        }
        let own = found.filter { $0.id == .separator && $0.pcr.map { UInt32($0.rawValue) } == pcr }
        // The call of the boot option may also follow the separator of PCR 4, so there "early" is no fault.
        #expect(own.isEmpty == (fault == .early && pcr == 4))
    }

    @Test("EL-04: a separator under another label, or a label without a separator's value, is refused")
    func disguisedSeparators() throws {
        #expect(
            try ids { builder in
                let place = try #require(builder.index { $0.pcr == 0 && $0.type == .separator })
                builder.events[place].type = .postCode
            } == [.separator])
        #expect(
            try ids { builder in
                let place = try #require(builder.index { $0.pcr == 2 && $0.type == .separator })
                builder.events[place] = builder.event(2, .separator, [0xEE, 0, 0, 0])
            }.contains(.separator))
        #expect(
            try ids { builder in
                let place = try #require(builder.index { $0.pcr == 2 && $0.type == .separator })
                builder.events[place] = builder.event(2, .separator, [0, 0, 0, 0, 0])
            }.contains(.separator))
    }

    @Test("EL-05: an event behind the separator of PCR 0–7 that does not belong there is refused under any label")
    func afterBoot() throws {
        let labels: [TCGEventType] = [
            .postCode, .efiAction, .efiGPTEvent, .efiBootServicesDriver, .efiVariableBoot, .ipl, .unused,
            .efiVariableAuthority, .efiBootServicesApplication, TCGEventType(rawValue: 0x8401),
        ]
        for pcr in UInt32(0)...7 {
            for label in labels {
                let found = try ids { $0.append(pcr, label, Array("evil".utf8)) }
                #expect(!found.isDisjoint(with: [.afterBoot, .type]), "PCR \(pcr), \(label)")
            }
        }
    }

    @Test("EL-06: a missing or failed record of ExitBootServices is a warning for policy to judge")
    func exitBootServices() throws {
        func warnings(_ change: (inout EventLogBuilder) -> Void) throws -> [LogReason] {
            var builder = EventLogBuilder.honest()
            change(&builder)
            let findings = try builder.log.findings()
            #expect(findings.allSatisfy { $0.severity == .warning })
            return findings.map(\.id)
        }
        #expect(try warnings { $0.events.removeLast() } == [.noExitBoot])
        #expect(try warnings { $0.events.remove(at: $0.events.count - 2) } == [.noExitBoot])
        #expect(try warnings { $0.events.removeLast(2) } == [.noExitBoot, .noExitBoot])
        let failure = Array("Exit Boot Services Returned with Failure".utf8)
        #expect(
            try warnings { $0.events[$0.events.count - 1] = $0.event(5, .efiAction, failure) } == [.noExitBoot])
        // A failed attempt before the successful one is how firmware works.
        #expect(try warnings { $0.events.insert($0.event(5, .efiAction, failure), at: $0.events.count - 1) } == [])
    }

    @Test("EL-07: EV_NO_ACTION with a digest, in another PCR, behind a measurement or of an unknown kind is refused")
    func noAction() throws {
        let manifest = Array("SP800-155 Event3".utf8)
        #expect(try ids { $0.events.insert($0.noAction(manifest), at: 0) } == [])
        #expect(try ids { $0.events.insert($0.event(0, .noAction, manifest), at: 0) } == [.noAction])
        #expect(try ids { $0.events.insert($0.noAction(manifest, pcr: 4), at: 0) } == [.noAction])
        #expect(try ids { $0.events.insert($0.noAction(manifest, pcr: .max), at: 0) } == [.noAction])
        #expect(try ids { $0.events.insert($0.noAction(manifest), at: 1) } == [.noAction])
        #expect(try ids { $0.events.insert($0.noAction(Array("Something else".utf8)), at: 0) } == [.noAction])
        #expect(try ids { $0.events.insert($0.noAction([]), at: 0) } == [.noAction])
    }

    @Test("A waiver may name findings of taste, never a false type, a second value or anything in PCR 7")
    func waivable() throws {
        let late = try findings { $0.append(1, .efiVariableBoot, EventLogData.variable("BootOrder", value: [2, 0])) }
        #expect(late.map(\.id) == [.afterBoot])
        #expect(late.allSatisfy { $0.isWaivable && !$0.digests.isEmpty })
        let inPCR7 = try findings { $0.append(7, .efiAction, Array("Something else".utf8)) }
        #expect(!inPCR7.isEmpty)
        #expect(inPCR7.allSatisfy { !$0.isWaivable })
    }

    @Test(
        "Firmware that tells of less protection behind the separator of PCR 7 is warned of, and only by verified text")
    func downgrades() throws {
        let text = Array("DMA Protection Disabled".utf8)
        var builder = EventLogBuilder.honest()
        builder.append(7, .efiAction, text)
        let found = try builder.log.findings()
        #expect(found.map(\.id) == [.afterBoot])
        #expect(found.allSatisfy { $0.severity == .warning && !$0.isWaivable && $0.quirk == .lateEvent })
        #expect(try ids { $0.events.append($0.event(7, .efiAction, text, measuring: [1])) }.contains(.afterBoot))
    }
}
