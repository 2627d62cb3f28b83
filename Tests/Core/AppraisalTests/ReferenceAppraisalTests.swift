import Appraisal
import AttestationTestKit
import ReferenceValues
import TCGEventLog
import TPMStructures
import Testing

@Suite("Sealed logs against references")
struct ReferenceAppraisalTests {
    private let honest = EventLogBuilder.honestWithCommandLine()

    private func references() throws -> ReferenceSet { try SealedMachine(honest).captured() }

    private func result(_ change: (inout EventLogBuilder) -> Void) throws -> AttestationResult {
        var builder = honest
        change(&builder)
        return try SealedMachine(builder).appraise(references())
    }

    @Test("The captured boot itself passes")
    func honestPasses() throws {
        let result = try result { _ in }
        #expect(result.verdict == .pass, "\(result.findings)")
        #expect(result.brokenLayers.isEmpty)
    }

    @Test("A layer that nobody looked at is not called trustworthy, and breaks nothing that is looked at")
    func unjudgedLayers() throws {
        let layers = try result { _ in }.layers
        #expect(layers.contains { $0.tier == .none } && layers.contains { $0.tier == .affirming })
        for layer in layers { #expect(layer.trustworthy == (layer.tier != .none), "\(layer.id)") }
    }

    @Test("EL-19: Secure Boot off, and an unknown db entry, fail in the layer secure-boot")
    func el19() throws {
        let off = try result { builder in
            guard let index = builder.index(where: { $0.pcr == 7 }) else { return }
            builder.events[index] = builder.event(
                7, .efiVariableDriverConfig, EventLogData.variable("SecureBoot", value: [0]))
        }
        #expect(off.verdict == .fail)
        #expect(off.layer(.secureBoot)?.findings.contains { $0.id == "REF_SECUREBOOT" } == true)
        #expect(off.firstDivergentEvent?.name?.contains("SecureBoot") == true)
        let entry = try result { builder in
            builder.append(
                7, .efiVariableAuthority,
                EventLogData.variable("db", vendor: EventLogData.imageSecurityDatabase, value: [1, 2, 3]))
        }
        #expect(entry.brokenLayers == [.secureBoot])
    }

    @Test("EL-20: a digest on the deny-list is refused although a rule allows it")
    func el20() throws {
        var set = try references()
        let shim = try #require(honest.events.first { $0.type == .efiBootServicesApplication })
        let digest = try #require(Digest(algorithm: .sha256, bytes: shim.digests[0].bytes))
        set.denied = [
            ReferenceSet.DeniedComponent(
                name: "shim 15.4", digests: [digest.description], reason: "CVE-2023-40547")
        ]
        let result = try SealedMachine(honest).appraise(set)
        #expect(result.verdict == .fail)
        let finding = try #require(result.findings.first { $0.id == "REF_REVOKED_COMPONENT" })
        #expect(finding.layer == .bootLoader)
        #expect(finding.name == "shim 15.4")
    }

    @Test("EL-21: MokSBState, and another MokList entry, fail as REF_MOK")
    func el21() throws {
        for (name, value) in [("MokSBState", [1]), ("MokList", [1, 2, 3])] as [(String, [UInt8])] {
            let result = try result { $0.append(14, .ipl, Array(name.utf8) + [0], measuring: value) }
            #expect(result.verdict == .fail)
            #expect(result.layer(.secureBoot)?.findings.contains { $0.id == "REF_MOK" && $0.pcr == 14 } == true)
        }
    }

    @Test(
        "EL-22: another kernel command line fails, whatever the change",
        arguments: [
            "/boot/vmlinuz root=/dev/sda1 ima_policy=tcb quiet init=/bin/sh",
            "ima=off /boot/vmlinuz root=/dev/sda1 ima_policy=tcb quiet",
            "/boot/vmlinuz root=/dev/sda1 ima_policy=tcb quiet quiet",
            "/boot/vmlinuz root=/dev/sda1 ima_policy=tcb\tquiet",
            "/boot/vmlinuz root=/dev/sda1 ima_policy=tcb  quiet",
            "/boot/vmlinuz root=/dev/sda1 \"ima_policy=tcb\" quiet", "/boot/vmlinuz root=/dev/sda1 ima_policy=tcb", "",
        ])
    func el22(_ line: String) throws {
        let result = try SealedMachine(.honestWithCommandLine(line)).appraise(references())
        #expect(result.verdict == .fail)
        let finding = try #require(result.findings.first { $0.id == "REF_CMDLINE" })
        #expect(finding.expected == "/boot/vmlinuz root=/dev/sda1 ima_policy=tcb quiet")
        #expect(result.brokenLayers == [.kernel])
    }

    @Test(
        "EL-23: one new event in PCR 1, 2 or 5 fails its layer, or warns where the set says so",
        arguments: [
            (1, LayerID.platformConfiguration), (2, .firmware), (5, .bootLoader), (3, .platformConfiguration),
            (9, .kernel), (12, .kernel),
        ] as [(UInt32, LayerID)])
    func el23(_ pcr: UInt32, _ layer: LayerID) throws {
        var builder = honest
        let separator = builder.index { $0.pcr == pcr && $0.type == .separator } ?? builder.events.endIndex
        builder.events.insert(builder.event(pcr, .eventTag, Array("new".utf8)), at: separator)
        let machine = try SealedMachine(builder)
        let strict = try machine.appraise(references())
        #expect(strict.verdict == .fail)
        #expect(strict.layer(layer)?.findings.contains { $0.id == "REF_UNKNOWN_COMPONENT" } == true)
        var set = try references()
        for index in set.layers.indices where set.layers[index].id == layer.rawValue {
            set.layers[index].onUnknown = .warn
        }
        #expect(try machine.appraise(set).layer(layer)?.tier != .affirming)
        let tolerant = try machine.appraise(
            set, policy: AppraisalPolicy(requiredLayers: [], warningPassesIn: [layer]))
        #expect(tolerant.layer(layer)?.tier == .warning || tolerant.layer(layer)?.tier == .contraindicated)
    }

    @Test("EL-24: PCR 11 extended by the operating system passes only where the set leaves it out")
    func el24() throws {
        let machine = try SealedMachine(honest) { values in
            guard let pcr = PCRIndex(11) else { return }
            values.set(.ones(.sha256), bank: .sha256, index: pcr)
        }
        var set = try references()
        let judged = try machine.appraise(set)
        #expect(judged.verdict == .fail)
        #expect(judged.findings.contains { $0.id == "LOG_REPLAY" && $0.pcr == 11 && $0.layer == .kernel })
        set.pcrs = set.pcrs.map { $0.pcr == 11 ? .init(ignoring: "systemd phases", pcr: 11) : $0 }
        #expect(try machine.appraise(set).verdict == .pass)
    }

    @Test("EL-25: a SHA-1 log cannot answer references for SHA-256")
    func el25() throws {
        var legacy = EventLogBuilder.honest(banks: [.sha1])
        legacy.cryptoAgile = false
        let machine = try SealedMachine(legacy, quoting: [.sha1])
        #expect(try machine.appraise(references()).verdict == .error)
        var both = machine
        both.pcrs = try SealedMachine(honest).pcrs
        let result = try both.appraise(references())
        #expect(result.verdict == .fail)
        #expect(result.findings.contains { $0.id == "LOG_FORMAT" })
    }

    @Test("EL-14: a log cut anywhere fails as what it cannot be read for or as LOG_REPLAY; so does another machine's")
    func el14() throws {
        var machine = try SealedMachine(honest)
        let compiled = try CompiledReferences(references())
        let whole = machine.eventLog
        for length in 0..<whole.count {
            machine.eventLog = Array(whole.prefix(length))
            let result = Appraiser(references: compiled, policy: .strict).appraise(machine.input())
            #expect(result.verdict == .fail, "\(length)")
            let reason: LogReason
            do throws(TCGEventLogError) {
                _ = try TCGEventLog(parsing: machine.eventLog)
                reason = .replay
            } catch {
                reason = error.reason
                #expect([.truncated, .header].contains(reason), "\(length): \(error)")
            }
            let stated = result.findings.filter { $0.id == reason.rawValue && $0.tier == .contraindicated }
            #expect(!stated.isEmpty, "\(length): \(result.findings)")
        }
        machine.eventLog = EventLogBuilder.honestWithCommandLine("other").bytes
        let other = Appraiser(references: compiled, policy: .strict).appraise(machine.input())
        #expect(other.findings.contains { $0.id == "LOG_REPLAY" && $0.pcr == 8 })
    }

    @Test("EL-15: events moved between registers' streams change no verdict")
    func el15() throws {
        let compiled = try CompiledReferences(references())
        var generator = SystemRandomNumberGenerator()
        let expected = Appraiser(references: compiled, policy: .strict).appraise(try SealedMachine(honest).input())
        for _ in 0..<50 {
            var builder = honest
            var queues = Dictionary(grouping: honest.events, by: \.pcr).mapValues { $0[...] }
            builder.events = []
            while let pcr = queues.keys.sorted().randomElement(using: &generator) {
                if let event = queues[pcr]?.popFirst() { builder.events.append(event) }
                if queues[pcr]?.isEmpty ?? true { queues[pcr] = nil }
            }
            let result = Appraiser(references: compiled, policy: .strict).appraise(try SealedMachine(builder).input())
            #expect(result.verdict == expected.verdict)
            #expect(result.layers.map(\.tier) == expected.layers.map(\.tier))
        }
    }

    @Test("Relabelling any events never raises a layer's tier")
    func relabelling() throws {
        let compiled = try CompiledReferences(references())
        var generator = SystemRandomNumberGenerator()
        let types: [TCGEventType] = [.ipl, .eventTag, .efiAction, .unused, .efiVariableBoot, .separator, .postCode]
        let weight: [Tier: Int] = [.affirming: 0, .warning: 1, .none: 2, .contraindicated: 3]
        for changed in [false, true] {
            var base = honest
            if changed {
                base.events.insert(base.event(9, .ipl, Array("/evil".utf8)), at: base.events.count - 2)
                base.events.insert(base.event(4, .ipl, Array("/evil".utf8)), at: base.events.count - 2)
            }
            let before = Appraiser(references: compiled, policy: .strict).appraise(try SealedMachine(base).input())
            for _ in 0..<200 {
                var builder = base
                for index in builder.events.indices where Bool.random(using: &generator) {
                    guard builder.events[index].type != .noAction,
                        let type = types.randomElement(using: &generator)
                    else { continue }
                    builder.events[index].type = type
                }
                let after = Appraiser(references: compiled, policy: .strict)
                    .appraise(try SealedMachine(builder).input())
                for (old, new) in zip(before.layers, after.layers) where LayerID.boot.contains(old.id) {
                    #expect((weight[new.tier] ?? 0) >= (weight[old.tier] ?? 0), "\(old.id)")
                }
            }
        }
    }

    @Test("Expected events that are missing or in another order are findings too")
    func missingAndMoved() throws {
        let missing = try result { $0.events.removeAll { $0.pcr == 9 } }
        #expect(missing.findings.contains { $0.id == "REF_MISSING_COMPONENT" && $0.pcr == 9 && $0.layer == .kernel })
        let moved = try result { builder in
            let places = builder.events.indices.filter { builder.events[$0].pcr == 8 }
            builder.events.swapAt(places[0], places[1])
        }
        #expect(moved.verdict == .fail)
        #expect(moved.findings.contains { $0.id == "REF_ORDER" && $0.pcr == 8 })
    }

    @Test("A waiver lets exactly its finding stand, and shows")
    func waiver() throws {
        var doubled = honest
        doubled.append(3, .separator, [0, 0, 0, 0])
        let machine = try SealedMachine(doubled)
        var set = try machine.captured()
        let result = try machine.appraise(set)
        #expect(result.verdict == .pass, "\(result.findings)")
        #expect(result.waivers.contains { $0.finding == "LOG_SEPARATOR" && $0.pcr == 3 })
        #expect(result.findings.contains { $0.id == "LOG_SEPARATOR" && $0.waived == true })
        set.waivers = nil
        #expect(try machine.appraise(set).verdict == .fail)
    }

    @Test("RV-01, RV-08: no set, or one past its end, is an error and never a pass")
    func rv08() throws {
        let machine = try SealedMachine(honest)
        let none = Appraiser(references: nil, policy: .strict).appraise(machine.input())
        #expect(none.verdict == .error)
        #expect(none.findings.contains { $0.id == "POL_MISSING" })
        var set = try references()
        set.validity = .init(notBefore: "2026-01-01T00:00:00Z", notAfter: "2026-12-31T23:59:59Z")
        let inside = try #require(RFC3339.milliseconds("2026-12-31T23:59:59Z"))
        #expect(try machine.appraise(set, at: inside).verdict == .pass)
        let past = try machine.appraise(set, at: inside + 1)
        #expect(past.verdict == .error)
        #expect(past.findings.contains { $0.id == "REF_EXPIRED" })
        #expect(try machine.appraise(set, at: 0).verdict == .error)
    }

    @Test("Without attested registers, or without a quoted bank of the references, the verdict is an error")
    func missingEvidence() throws {
        let machine = try SealedMachine(honest)
        var input = machine.input()
        input.pcrs = nil
        let compiled = try CompiledReferences(references())
        let result = Appraiser(references: compiled, policy: .strict).appraise(input)
        #expect(result.verdict == .error)
        #expect(result.firstBrokenLayer == .tpmIdentity)
        input.identityFindings = [Finding("QUOTE_SIGNATURE", .contraindicated, .tpmIdentity, detail: "bad")]
        #expect(Appraiser(references: compiled, policy: .strict).appraise(input).verdict == .fail)
    }

    @Test("A layer over one that nobody attests is at most self-reported, and a required uncovered one is an error")
    func selfReported() throws {
        let machine = try SealedMachine(honest)
        let compiled = try CompiledReferences(references())
        let needs = AppraisalPolicy(requiredLayers: [.assetFingerprints], warningPassesIn: [.assetFingerprints])
        let input = machine.input(fingerprints: [])
        let passed = Appraiser(references: compiled, policy: needs).appraise(input)
        #expect(passed.verdict == .pass)
        #expect(passed.layer(.assetFingerprints)?.tier == .warning)
        #expect(Appraiser(references: compiled, policy: needs).appraise(machine.input()).verdict == .error)
        let runtime = AppraisalPolicy(requiredLayers: [.runtime], warningPassesIn: [])
        #expect(Appraiser(references: compiled, policy: runtime).appraise(input).verdict == .error)
    }

    @Test("A kept boot appraisal gives the same result")
    func memoized() throws {
        let machine = try SealedMachine(honest)
        let compiled = try CompiledReferences(references())
        let boot = Appraiser.appraiseBoot(machine.pcrs, eventLog: machine.eventLog, references: compiled)
        let appraiser = Appraiser(references: compiled, policy: .strict)
        #expect(appraiser.appraise(machine.input(), boot: boot) == appraiser.appraise(machine.input()))
    }
}
