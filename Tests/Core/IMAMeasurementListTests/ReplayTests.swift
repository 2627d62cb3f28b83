import AttestationTestKit
import IMAMeasurementList
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@Suite("Replay of measurement lists")
struct ReplayTests {
    private func lane(_ bank: PCRBank, _ mode: IMAExtension = .native) throws -> IMALane {
        try #require(IMALane(bank, mode))
    }

    private func replay(_ list: IMAListBuilder, _ lanes: [IMALane]) throws -> IMAReplay {
        var replay = IMAReplay(lanes: lanes)
        for entry in try read(list.bytes) { replay.add(entry) }
        return replay
    }

    @Test("A booted machine's list makes the PCR 10 that its TPM held, and the boot aggregate is that of its registers")
    func golden() throws {
        var values = PCRValues()
        for (bank, registers) in try TestVectors.golden.pcrs {
            guard let bank = PCRBank(rawValue: bank) else { continue }
            for (index, hex) in registers {
                guard let pcr = PCRIndex(index), let digest = Digest("\(bank):\(hex)") else { continue }
                values.set(digest, bank: bank, index: pcr)
            }
        }
        // This kernel has SHA-384 and SHA-512 as a module: those banks hold the padded SHA-1 digest.
        let list = try #require(
            try outcome(TestVectors.golden.bytes("ima_binary"), values, modes: [.native, .paddedSHA1]).replayed)
        #expect(list.entryCount == 54 && list.waitingEntries == 0 && list.findings.isEmpty)
        #expect(list.modes[.sha1] == .native && list.modes[.sha256] == .native)
        #expect(list.modes[.sha384] == .paddedSHA1 && list.modes[.sha512] == .paddedSHA1)
        #expect(list.checkpoint.replay.bootAggregate?.compare(with: values) == .agrees)
        // Without a reference that allows padding the banks disagree.
        #expect(try outcome(TestVectors.golden.bytes("ima_binary"), values).replayed == nil)
    }

    @Test("Every entry extends its own register, in every bank by the bank's own hash", arguments: [false, true])
    func everyBank(_ bigEndian: Bool) throws {
        var list = IMAListBuilder.honest(5, bigEndian: bigEndian)
        list.addFile("/eleven", pcr: 11)
        list.addViolation("/var/log/x")
        list.entries.append(
            .init(pcr: 9, template: "ima", data: .init(repeating: 5, count: 20) + list.field(Array("/init".utf8))))
        let banks: [PCRBank] = [.sha1, .sha256, .sha384, .sha512, .sm3]
        let replayed = try replay(list, banks.map { try lane($0) } + [lane(.sha256, .paddedSHA1)])
        for bank in banks {
            for pcr in [9, 10, 11] {
                #expect(
                    replayed.value(try lane(bank), PCRIndex.all[pcr]) == list.register(bank, UInt32(pcr)),
                    "\(bank) \(pcr)")
            }
        }
        #expect(replayed.value(try lane(.sha256, .paddedSHA1), IMAReplay.pcr) == list.register(.sha256, padded: true))
        #expect(replayed.extended.indices.map(\.rawValue) == [9, 10, 11])
        #expect(replayed.value(try lane(.sha256), PCRIndex.all[17])?.bytes == [UInt8](repeating: 0xFF, count: 32))
    }

    @Test("IM-02: a violation extends ones in every bank, is counted, and is a finding by name")
    func violations() throws {
        var list = IMAListBuilder.honest(3)
        list.addViolation("/var/log/wtmp\u{1B}")
        list.addFile("/after")
        let values = list.values([.sha1, .sha256])
        let replayed = try #require(try outcome(list.bytes, values).replayed)
        #expect(replayed.entryCount == 6 && replayed.checkpoint.replay.violationCount == 1)
        #expect(replayed.findings.map(\.id) == [.violation])
        #expect(replayed.findings.first?.entry == 4 && replayed.findings.first?.name == "/var/log/wtmp\\u{1b}")
        // Zeros instead of ones make another register.
        var other = list
        other.entries[4].digest = nil
        #expect(try outcome(other.bytes, values).replayed == nil)
        // Old kernels extend twenty bytes of ones into every bank.
        let old = try replay(list, [lane(.sha256, .paddedSHA1), lane(.sha256, .paddedSHA1AndViolations)])
        #expect(
            old.value(try lane(.sha256, .paddedSHA1), IMAReplay.pcr)
                != old.value(try lane(.sha256, .paddedSHA1AndViolations), IMAReplay.pcr))
    }

    @Test("IM-02: thousands of violations are one bounded list of findings and an exact count")
    func manyViolations() throws {
        var list = IMAListBuilder.honest(0)
        for number in 0..<500 { list.addViolation("/v\(number)") }
        let findings = try #require(try outcome(list.bytes, list.values()).replayed).findings
        #expect(findings.count == IMAListLimits.findingsOfOneKind + 1)
        #expect(findings.last?.detail.hasPrefix("436 more entries") == true)
    }

    @Test("IM-03: data that does not hash to the listed digest is a finding, and no register agrees with it")
    func templateDigest() throws {
        let honest = IMAListBuilder.honest(5)
        let values = honest.values()
        var edited = honest
        edited.entries[3].digest = MessageDigest.hash(honest.entries[3].data, .sha1).bytes
        edited.entries[3].data[50] ^= 1
        #expect(try findings(edited.bytes, values) == [.templateDigest, .replay])
        // An attacker who extends the register to match is still found.
        #expect(try findings(edited.bytes, edited.values()) == [.templateDigest])
        // The listed digest alone edited: the data is what counts.
        var listed = honest
        listed.entries[3].digest = [UInt8](repeating: 9, count: 20)
        let outcome = try outcome(listed.bytes, values)
        #expect(outcome.replayed?.entryCount == 6)
        let finding = try #require(outcome.findings(attested: values).first)
        #expect(
            finding.id == .templateDigest && finding.entry == 3 && finding.seen == String(repeating: "09", count: 20))
    }

    @Test("IM-03: a padded bank agrees only where padding is allowed")
    func padding() throws {
        let list = IMAListBuilder.honest(5)
        var values = IMAListBuilder.boot
        values.set(list.register(.sha256, padded: true), bank: .sha256, index: IMAReplay.pcr)
        #expect(try findings(list.bytes, values) == [.replay])
        let padded = try #require(try outcome(list.bytes, values, modes: [.paddedSHA1]).replayed)
        #expect(padded.entryCount == 6 && padded.modes[.sha256] == .paddedSHA1)
    }

    @Test("IM-04: an unknown template, and one that changes, are findings that name the entry; buffers keep their own")
    func templates() throws {
        let digest = IMAListBuilder.digest("sha256", .init(repeating: 1, count: 32))
        let name = IMAListBuilder.name("/x")
        var list = IMAListBuilder.honest(2)
        list.add("ima-xx", [digest, name])
        list.add("ima-buf", [digest, IMAListBuilder.name(".builtin_trusted_keys"), [1, 2]])
        #expect(try read(list.bytes)[3].template == nil)
        var found = try #require(try outcome(list.bytes, list.values()).replayed).findings
        #expect(found.map(\.id) == [.template] && found[0].entry == 3 && found[0].seen == "ima-xx")
        list.entries.remove(at: 3)
        #expect(try findings(list.bytes, list.values()).isEmpty)
        list.add("ima-sig", [digest, name, []])
        found = try #require(try outcome(list.bytes, list.values()).replayed).findings
        #expect(found.map(\.id) == [.template] && found[0].expected == "ima-ng" && found[0].seen == "ima-sig")
    }

    @Test(
        "IM-06: each entry of a 200-entry list dropped in turn leaves no prefix that the quote stands for, nor does an extra extend"
    )
    func droppedEntries() throws {
        let honest = IMAListBuilder.honest(199)
        let values = honest.values()
        #expect(try outcome(honest.bytes, values).replayed?.entryCount == 200)
        for dropped in 0..<200 {
            var list = honest
            list.entries.remove(at: dropped)
            #expect(try findings(list.bytes, values).contains(.replay), "\(dropped)")
        }
        var extended = values
        extended.set(
            try #require(extend(honest.register(.sha256), with: .ones(.sha256))), bank: .sha256, index: IMAReplay.pcr)
        #expect(try findings(honest.bytes, extended) == [.replay])
    }

    @Test("QF-26: entries behind the quote wait, whatever their number; the longest prefix is taken")
    func race() throws {
        let list = IMAListBuilder.honest(60)
        for waiting in [0, 1, 7, 50, 60] {
            let replayed = try #require(try outcome(list.bytes, list.values(count: 61 - waiting)).replayed)
            #expect(replayed.entryCount == 61 - waiting && replayed.waitingEntries == waiting)
            #expect(replayed.checkpoint.offset == list.ends[60 - waiting])
        }
        // One bank that is elsewhere is enough to disagree.
        var values = list.values([.sha1, .sha256])
        values.set(list.register(.sha1, count: 60), bank: .sha1, index: IMAReplay.pcr)
        #expect(try outcome(list.bytes, values).replayed == nil)
    }

    @Test("A quote without PCR 10 compares nothing, and one that lacks another register of the list disagrees")
    func otherRegisters() throws {
        #expect(try findings(IMAListBuilder.honest(3).bytes, IMAListBuilder.boot) == [.replay])
        var list = IMAListBuilder.honest(3)
        list.addFile("/eleven", pcr: 11)
        list.addFile("/ten")
        var values = list.values()
        #expect(try outcome(list.bytes, values).replayed == nil)
        values.set(list.register(.sha256, 11), bank: .sha256, index: PCRIndex.all[11])
        #expect(try outcome(list.bytes, values).replayed?.entryCount == 6)
        // A prefix counts only if all registers of the list agree: the entry of PCR 11 came before the quote.
        values.set(list.register(.sha256, count: 4), bank: .sha256, index: IMAReplay.pcr)
        #expect(try outcome(list.bytes, values).replayed?.entryCount == 5)
        // What the register held before the list began is the caller's to say.
        let start = Digest.ones(.sha256)
        var began = PCRValues()
        began.set(start, bank: .sha256, index: PCRIndex.all[11])
        values = list.values()
        values.set(
            try #require(extend(start, with: MessageDigest.hash(list.entries[4].data, .sha256))), bank: .sha256,
            index: PCRIndex.all[11])
        var verification = try #require(IMAListVerification(againstUnsigned: values, start: began))
        try verification.append(list.bytes.span)
        #expect(try verification.finish().replayed?.entryCount == 6)
    }
}
