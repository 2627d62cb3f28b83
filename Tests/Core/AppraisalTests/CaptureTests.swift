import Appraisal
import AttestationTestKit
import ReferenceValues
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Captures from several machines: what is stable, what is each machine's own, which rule is proposed")
struct CaptureTests {
    private static func capture(_ machines: [(String, SealedMachine)]) throws -> ReferenceCapture.Captured {
        try ReferenceCapture.capture(
            name: "fleet", group: "lab",
            from: machines.map { ReferenceCapture.Source(pcrs: $1.pcrs, eventLog: $1.eventLog, label: $0) })
    }

    /// The honest boot with this boot order and these boot options, as every firmware measures them in PCR 5 or 1.
    private static func machine(order: [UInt8], tail: [(UInt32, String)] = []) throws -> SealedMachine {
        var builder = EventLogBuilder.honest()
        let place = try #require(builder.index { $0.pcr == 5 && $0.type == .efiVariableBoot })
        builder.events[place] = builder.event(
            5, .efiVariableBoot, EventLogData.variable("BootOrder", value: order))
        for (pcr, text) in tail {
            builder.events.insert(
                builder.event(pcr, .platformConfigFlags, Array("table".utf8), measuring: Array(text.utf8)), at: place)
        }
        return try SealedMachine(builder)
    }

    @Test("Equal machines: everything is stable, over how many is said, and nothing is proposed")
    func uniform() throws {
        let machine = try Self.machine(order: [1, 0])
        let captured = try Self.capture([("a", machine), ("b", machine), ("c", machine)])
        #expect(captured.report.machines == 3 && captured.report.sources == ["a", "b", "c"])
        #expect(captured.report.isUniform)
        #expect(captured.report.registers.allSatisfy { $0.distinctValues == 1 && $0.varyingEvents == 0 })
        #expect(captured.report.registers.contains { $0.pcr == 8 && $0.stableEvents > 0 })
        #expect(
            captured.set
                == (try ReferenceCapture.draft(
                    name: "fleet", group: "lab",
                    from: ["a", "b", "c"].map { .init(pcrs: machine.pcrs, eventLog: machine.eventLog, label: $0) })))
    }

    @Test("Two boot orders on three machines are alternatives: a third one fails")
    func alternatives() throws {
        let machines = try [("a", [1, 0]), ("b", [1, 0]), ("c", [2, 0])].map { ($0.0, try Self.machine(order: $0.1)) }
        let captured = try Self.capture(machines)
        let difference = try #require(captured.report.differences.first)
        #expect(captured.report.differences.count == 1)
        #expect(difference.pcr == 5 && difference.component == "boot-order" && difference.name.contains("BootOrder"))
        #expect(difference.proposal == .alternatives && difference.machines == 3 && difference.distinctValues == 2)
        #expect(difference.values.map(\.machines) == [[0, 1], [2]])
        for (_, machine) in machines { #expect(try machine.appraise(captured.set).verdict == .pass) }
        let other = try Self.machine(order: [3, 0]).appraise(captured.set)
        #expect(other.verdict == .fail && other.firstBrokenLayer == .bootLoader)
    }

    @Test("A boot order of each machine's own is one event of any content: another machine passes, two events do not")
    func ownContent() throws {
        let machines = try (1...4).map { ("m\($0)", try Self.machine(order: [UInt8($0), 0])) }
        let captured = try Self.capture(machines)
        let difference = try #require(captured.report.differences.first)
        #expect(captured.report.differences.count == 1 && difference.proposal == .anyContent)
        #expect(difference.reason == "4 contents on 4 machines: each machine has its own")
        #expect(captured.report.registers.first { $0.pcr == 5 }?.distinctValues == 4)
        for (_, machine) in machines { #expect(try machine.appraise(captured.set).verdict == .pass) }
        #expect(try Self.machine(order: [9, 0]).appraise(captured.set).verdict == .pass)
        let two = try Self.machine(order: [9, 0], tail: [(5, "another")]).appraise(captured.set)
        #expect(two.verdict == .fail)
        var without = EventLogBuilder.honest()
        without.events.removeAll { $0.pcr == 5 && $0.type == .efiVariableBoot }
        let missing = try SealedMachine(without).appraise(captured.set)
        #expect(missing.verdict == .fail)
        #expect(missing.findings.contains { $0.id == "REF_MISSING_COMPONENT" && $0.pcr == 5 })
    }

    @Test(
        "Code, keys and commands never become any content, however many machines differ", arguments: [2, 7, 8, 9, 14])
    func neverCode(_ pcr: Int) throws {
        let register = UInt32(pcr)
        let machines = try (1...4).map { number -> (String, SealedMachine) in
            var builder = EventLogBuilder.honest()
            let place = try #require(builder.index { $0.pcr == register && $0.type != .separator })
            let event = builder.events[place]
            builder.events[place] = builder.event(register, event.type, event.data, measuring: [UInt8(number)])
            return ("m\(number)", try SealedMachine(builder))
        }
        let captured = try Self.capture(machines)
        #expect(captured.report.differences.map(\.proposal) == [.alternatives])
        #expect(captured.set.pcrs.allSatisfy { ($0.events ?? []).allSatisfy { $0.anyContent == nil } })
    }

    @Test("What some machines lack is optional, and the same events in another order are any order")
    func optionalAndOrder() throws {
        let plain = try Self.machine(order: [1, 0])
        let more = try Self.machine(order: [1, 0], tail: [(1, "smbios")])
        let optional = try Self.capture([("a", plain), ("b", more)])
        #expect(optional.report.differences.map(\.proposal) == [.optional])
        #expect(optional.report.differences.first?.machines == 1)
        for machine in [plain, more] { #expect(try machine.appraise(optional.set).verdict == .pass) }

        let (one, two) = (
            try Self.machine(order: [1, 0], tail: [(1, "x"), (1, "y")]),
            try Self.machine(order: [1, 0], tail: [(1, "y"), (1, "x")])
        )
        let order = try Self.capture([("a", one), ("b", two)])
        #expect(order.report.differences.map(\.proposal) == [.anyOrder])
        #expect(order.set.pcrs.first { $0.pcr == 1 }?.order == .any)
        for machine in [one, two] { #expect(try machine.appraise(order.set).verdict == .pass) }
        #expect(try plain.appraise(order.set).verdict == .fail)
    }

    @Test("A machine whose event is the optional one's twin still fulfils the draft")
    func twins() throws {
        let single = try Self.machine(order: [1, 0], tail: [(1, "same")])
        let double = try Self.machine(order: [1, 0], tail: [(1, "same"), (1, "same")])
        for machines in [[("a", single), ("b", double)], [("b", double), ("a", single)]] {
            let captured = try Self.capture(machines)
            for (_, machine) in machines { #expect(try machine.appraise(captured.set).verdict == .pass) }
        }
    }

    // MARK: Real machines

    static let fleet = [
        "golden", "h1-golden-same-tpm-freshvars", "h2-golden-newtpm", "g2-warmreboot", "g4-after-powercut",
        "i-bootentry", "j-gpt-extra",
    ]
    static let strangers = ["a-cmdline", "b-initrd", "i-optionrom", "e-grubcfg", "d-sboff-linuxefi", "k-fw-old"]

    private static func real() throws -> ReferenceCapture.Captured {
        let corpus = try #require(TestVectors.corpus)
        let sources = try fleet.map { name in
            var source = try BootedMachine(corpus.measuredBoot(name)).source
            source.label = name
            return source
        }
        return try ReferenceCapture.capture(name: "fleet", group: "lab", from: sources)
    }

    @Test(
        "A set captured from seven boots passes on each of them",
        .enabled(if: TestVectors.corpus != nil, "no corpus"), arguments: fleet)
    func passes(_ variant: String) throws {
        let vector = try #require(TestVectors.corpus).measuredBoot(variant)
        let result = try BootedMachine(vector).appraise(Self.real().set)
        #expect(result.verdict == .pass, "\(result.findings.filter { $0.tier != .affirming })")
    }

    @Test(
        "It still fails where somebody altered command line, initrd, option ROM, grub.cfg, Secure Boot or firmware",
        .enabled(if: TestVectors.corpus != nil, "no corpus"), arguments: strangers)
    func fails(_ variant: String) throws {
        let vector = try #require(TestVectors.corpus).measuredBoot(variant)
        #expect(try BootedMachine(vector).appraise(Self.real().set).verdict == .fail)
    }

    @Test(
        "Boot entry, boot order and partition table are named, each with the machines that show it",
        .enabled(if: TestVectors.corpus != nil, "no corpus"))
    func names() throws {
        let report = try Self.real().report
        #expect(report.machines == 7)
        let byComponent = Dictionary(grouping: report.differences, by: \.component)
        let option = try #require(byComponent["boot-option"]?.first)
        #expect(option.pcr == 1 && option.name.contains("Boot0099") && option.proposal == .optional)
        #expect(option.values.map(\.machines) == [[5]])
        #expect(byComponent["boot-order"]?.first?.proposal == .alternatives)
        #expect(byComponent["partition-table"]?.first?.values.last?.machines == [6])
        #expect(report.registers.first { $0.pcr == 1 }?.distinctValues == 2)
        #expect(report.registers.first { $0.pcr == 8 }?.varyingEvents == 0)
    }
}
