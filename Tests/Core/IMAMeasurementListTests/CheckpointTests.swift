import AttestationTestKit
import ByteParsing
import IMAMeasurementList
import TPMCryptography
import TPMStructures
import Testing

@Suite("Checkpoints of measurement lists")
struct CheckpointTests {
    private func list() -> IMAListBuilder {
        var list = IMAListBuilder.honest(20)
        list.addViolation("/v")
        list.addFile("/eleven", pcr: 11)
        return list
    }

    private func values(_ list: IMAListBuilder, count: Int? = nil) -> PCRValues {
        var values = list.values([.sha1, .sha256], count: count)
        for bank in [PCRBank.sha1, .sha256] {
            values.set(list.register(bank, 11, count: count), bank: bank, index: PCRIndex.all[11])
        }
        return values
    }

    private func checkpoint(_ list: IMAListBuilder, count: Int? = nil) throws -> IMACheckpoint {
        try #require(
            try outcome(list.bytes, values(list, count: count), modes: [.native, .paddedSHA1]).replayed?.checkpoint)
    }

    /// Goes on from `checkpoint` with the list's bytes from `offset` on.
    private func resume(
        _ checkpoint: IMACheckpoint, _ list: IMAListBuilder, from offset: Int? = nil
    ) throws -> IMAListOutcome {
        try IMAMeasurementListTests.resume(
            checkpoint, values(list), list.bytes[(offset ?? checkpoint.offset)...], modes: [.native, .paddedSHA1])
    }

    @Test(
        "IM-08: a replay that goes on from a checkpoint's bytes ends where one from the beginning does, at every entry")
    func resumes() throws {
        var list = list()
        for number in 0..<10 { list.addFile("/later/\(number)") }
        let whole = try checkpoint(list)
        #expect(whole.entryCount == list.entries.count)
        for count in 0...list.entries.count {
            let early = try IMACheckpoint(parsing: try checkpoint(list, count: count).bytes)
            #expect(early.entryCount == count && early.offset == (count == 0 ? 0 : list.ends[count - 1]))
            let resumed = try #require(try resume(early, list).replayed)
            #expect(resumed.checkpoint == whole, "\(count)")
            #expect(resumed.waitingEntries == 0)
            // The old violation is still a finding.
            #expect(Set(resumed.findings.map(\.id)) == [.violation])
        }
    }

    @Test(
        "IM-07: bytes from another place than the checkpoint's never agree: gap, overlap, rewind, another boot's list")
    func offsets() throws {
        let list = list()
        let early = try checkpoint(list, count: 10)
        #expect(early.offset == list.ends[9])
        for offset in [0, list.ends[8], list.ends[10], list.ends[20], early.offset - 1, early.offset + 1] {
            let outcome = try? resume(early, list, from: offset)
            #expect(outcome?.replayed == nil, "\(offset)")
        }
        var other = IMAListBuilder.honest(10)
        for number in 0..<12 { other.addFile("/other/boot/\(number)") }
        let mixed = try IMAMeasurementListTests.resume(early, values(list), other.bytes[other.ends[9]...])
        #expect(mixed.replayed == nil)
    }

    @Test("IM-09: a list from entry k is trimmed on first contact, and continuous from the checkpoint before it")
    func trimmed() throws {
        let list = IMAListBuilder.honest(20)
        let tail = Array(list.bytes[list.ends[9]...])
        #expect(try findings(tail, list.values()) == [.replay, .bootAggregate, .trimmed])
        let early = try #require(try outcome(list.bytes, list.values(count: 10)).replayed?.checkpoint)
        let continuous = try IMAMeasurementListTests.resume(early, list.values(), tail)
        #expect(continuous.replayed?.entryCount == 21)
        #expect(continuous.findings(attested: list.values()).isEmpty)
    }

    @Test("No new entries: a checkpoint agrees at once with the same registers, and with no others")
    func unchanged() throws {
        let list = list()
        let whole = try checkpoint(list)
        let same = try #require(try resume(whole, list).replayed)
        #expect(same.checkpoint == whole && same.waitingEntries == 0)
        var moved = list
        moved.addFile("/new")
        var verification = try #require(IMAListVerification(againstUnsigned: values(moved), resuming: whole))
        #expect(try verification.finish().replayed == nil)
    }

    @Test("A checkpoint that lacks a bank or a mode cannot be gone on from")
    func lanes() throws {
        let list = IMAListBuilder.honest(3)
        let early = try #require(try outcome(list.bytes, list.values()).replayed?.checkpoint)
        #expect(IMAListVerification(againstUnsigned: list.values([.sha1, .sha256]), resuming: early) == nil)
        #expect(IMAListVerification(againstUnsigned: list.values(), modes: [.paddedSHA1], resuming: early) == nil)
        #expect(IMAListVerification(againstUnsigned: list.values(), resuming: early) != nil)
    }

    @Test("A checkpoint's bytes read back to the same bytes; prefixes, more bytes and other versions are refused")
    func bytes() throws {
        let bytes = try checkpoint(list()).bytes
        #expect(Hex.encode(bytes.prefix(9)) == "494d41430101000014")
        #expect(try IMACheckpoint(parsing: bytes).bytes == bytes)
        for count in 0..<bytes.count {
            #expect(throws: ParsingError.self, "\(count)") { try IMACheckpoint(parsing: Array(bytes[..<count])) }
        }
        #expect(throws: ParsingError.self) { try IMACheckpoint(parsing: bytes + [0]) }
        for version in [0, 2, 255] as [UInt8] {
            var other = bytes
            other[4] = version
            #expect(throws: ParsingError.self) { try IMACheckpoint(parsing: other) }
        }
        for place in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[place] ^= 1 << UInt8(bit)
                if let parsed = try? IMACheckpoint(parsing: other) { #expect(parsed.bytes == other, "\(place).\(bit)") }
            }
        }
        // Counts at their limits.
        var beyond = bytes
        beyond.replaceSubrange(9..<17, with: [UInt8](repeating: 0xFF, count: 8))
        let error = #expect(throws: ParsingError.self) { try IMACheckpoint(parsing: beyond) }
        #expect(error?.field == "IMACheckpoint.offset" && error?.offset == 9)
    }

    @Test("The cost of a checkpoint does not grow with the list")
    func size() throws {
        let short = try #require(
            try outcome(IMAListBuilder.honest(5).bytes, IMAListBuilder.honest(5).values()).replayed)
        let long = try #require(
            try outcome(IMAListBuilder.honest(3000).bytes, IMAListBuilder.honest(3000).values()).replayed)
        #expect(short.checkpoint.bytes.count == long.checkpoint.bytes.count)
    }
}
