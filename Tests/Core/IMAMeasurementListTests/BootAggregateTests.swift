import AttestationTestKit
import IMAMeasurementList
import TPMCryptography
import TPMStructures
import Testing

@Suite("Boot aggregates")
struct BootAggregateTests {
    private func found(_ list: IMAListBuilder) throws -> Set<IMAReason> { try findings(list.bytes, list.values()) }

    @Test(
        "IM-10: SHA-1 is over PCR 0 to 7, SHA-256 over 0 to 9 of its own bank; each agrees",
        arguments: [PCRBank.sha1, .sha256])
    func definitions(_ bank: PCRBank) throws {
        var list = IMAListBuilder()
        list.addBootAggregate(IMAListBuilder.boot, bank)
        list.addFile("/init")
        #expect(try found(list).isEmpty)
    }

    @Test("IM-10: the original template's boot aggregate is SHA-1, also from a TPM 1.2")
    func original() throws {
        var list = IMAListBuilder()
        let registers = PCRIndex.all.prefix(8).flatMap { IMAListBuilder.boot[.sha1, $0]?.bytes ?? [] }
        let digest = MessageDigest.hash(registers, .sha1).bytes
        list.entries.append(.init(template: "ima", data: digest + list.field(IMABootAggregate.name)))
        #expect(try found(list).isEmpty)
        list.entries[0].data[3] ^= 1
        #expect(try found(list) == [.bootAggregate])
    }

    @Test(
        "IM-10: removed, moved to second, repeated, over other registers, or of a machine without TPM, with PCR 10 extended to match"
    )
    func broken() throws {
        let honest = IMAListBuilder.honest(4)
        var removed = honest
        removed.entries.remove(at: 0)
        #expect(try found(removed) == [.bootAggregate, .trimmed])
        var moved = honest
        moved.entries.swapAt(0, 1)
        #expect(try found(moved) == [.bootAggregate])
        var repeated = honest
        repeated.entries.append(honest.entries[0])
        #expect(try found(repeated) == [.bootAggregate, .kexec])
        for last in [7, 8] {
            var short = IMAListBuilder()
            short.addBootAggregate(IMAListBuilder.boot, .sha256, last: last)
            #expect(try found(short) == [.bootAggregate], "\(last)")
        }
        var long = IMAListBuilder()
        long.addBootAggregate(IMAListBuilder.boot, .sha1, last: 9)
        #expect(try found(long) == [.bootAggregate])
        var without = IMAListBuilder()
        without.addFile("boot_aggregate", digest: .init(repeating: 0, count: 32))
        #expect(try found(without) == [.bootAggregate])
        var other = IMAListBuilder()
        other.addFile("boot_aggregate", digest: .init(repeating: 3, count: 32))
        let finding = try #require(try outcome(other.bytes, other.values()).findings(attested: other.values()).first)
        #expect(finding.seen.hasPrefix("sha256:0303") && finding.expected.hasPrefix("sha256:"))
    }

    @Test("IM-10: a boot aggregate in a bank that the quote lacks is not taken on trust")
    func unknownBank() throws {
        var list = IMAListBuilder()
        list.addFile("/x")
        list.entries = []
        list.add(
            "ima-ng",
            [IMAListBuilder.digest("sha512", .init(repeating: 1, count: 64)), IMAListBuilder.name("boot_aggregate")])
        #expect(try found(list) == [.bootAggregate])
        list.entries = []
        list.add(
            "ima-ng",
            [IMAListBuilder.digest("wp256", .init(repeating: 1, count: 32)), IMAListBuilder.name("boot_aggregate")])
        #expect(try found(list) == [.bootAggregate])
        // A buffer by that name is none.
        list.entries = []
        list.add(
            "ima-buf",
            [
                IMAListBuilder.digest("sha256", .init(repeating: 1, count: 32)), IMAListBuilder.name("boot_aggregate"),
                [1],
            ])
        #expect(try found(list) == [.bootAggregate, .trimmed])
    }

    @Test(
        "IM-11: a kexec command line, and a second boot aggregate behind it, are findings",
        arguments: ["kexec-cmdline", "kexec_load", "kexec_execute"])
    func kexec(_ name: String) throws {
        var list = IMAListBuilder.honest(2)
        let buffer = Array("root=/dev/vda1 init=/bin/sh".utf8)
        list.add(
            "ima-buf",
            [
                IMAListBuilder.digest("sha256", MessageDigest.hash(buffer, .sha256).bytes), IMAListBuilder.name(name),
                buffer,
            ])
        #expect(try found(list) == [.kexec])
        list.entries.append(list.entries[0])
        #expect(try found(list) == [.kexec, .bootAggregate])
        // A file by that name is a file.
        var file = IMAListBuilder.honest(2)
        file.addFile(name)
        #expect(try found(file).isEmpty)
    }

    @Test("IM-12: a list of the boot aggregate alone says so, and one entry more does not")
    func alone() throws {
        var list = IMAListBuilder.honest(0)
        #expect(try outcome(list.bytes, list.values()).replayed?.checkpoint.replay.holdsBootAggregateAlone == true)
        list.addFile("/init")
        #expect(try outcome(list.bytes, list.values()).replayed?.checkpoint.replay.holdsBootAggregateAlone == false)
    }
}
