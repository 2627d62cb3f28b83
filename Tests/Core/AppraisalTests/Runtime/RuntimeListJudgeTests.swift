import Appraisal
import AttestationTestKit
import IMAMeasurementList
import ReferenceValues
import TPMCryptography
import TPMStructures
import Testing

/// Lists that come in pieces and in increments.
@Suite("Judging measurement lists as they come")
struct RuntimeListJudgeTests {
    private func run(
        _ bytes: [UInt8], _ pcrs: AttestedPCRs, _ bench: RuntimeBench, piece: Int? = nil,
        resuming progress: RuntimeProgress? = nil
    ) throws -> (appraisal: RuntimeAppraisal, progress: RuntimeProgress?) {
        var judge = try #require(
            RuntimeListJudge(pcrs, by: bench.rules, resuming: progress, signatures: NoSignatureVerdicts()))
        let step = piece ?? max(1, bytes.count)
        for start in stride(from: 0, to: bytes.count, by: step) {
            judge.append(Array(bytes[start..<min(bytes.count, start + step)]).span)
        }
        return judge.finish(at: 0)
    }

    private func mixed(_ bench: RuntimeBench) -> [Measured] {
        [
            bench.aggregate(), bench.file("/bin/ls", "ls"), bench.file("/bin/sh", "other"), bench.violation("/v"),
            bench.file("/root/evil", "evil"), bench.buffer("kexec-cmdline", "root=x"), bench.file("/bin/sh", "sh"),
        ]
    }

    @Test("Pieces of any size give what the whole list gives")
    func pieces() throws {
        let bench = try RuntimeBench(denied: [RuntimeBench.digest("old")])
        let list = bench.list(mixed(bench))
        let pcrs = try bench.quoted(list)
        let whole = RuntimeAppraisal(measurementList: list.bytes, pcrs, by: bench.rules, at: 0)
        #expect(whole.findings.count >= 4)
        for piece in [1, 7, 64, 100, list.bytes.count] {
            #expect(try run(list.bytes, pcrs, bench, piece: piece).appraisal == whole)
        }
    }

    @Test("IM-08: a list that goes on from any entry is judged as the whole list is")
    func resumed() throws {
        let bench = try RuntimeBench()
        let entries = mixed(bench)
        let list = bench.list(entries)
        let whole = try run(list.bytes, try bench.quoted(list), bench)
        for count in 1...entries.count {
            let early = bench.list(Array(entries.prefix(count)))
            let progress = try #require(try run(early.bytes, try bench.quoted(early), bench).progress)
            #expect(progress.checkpoint.offset == early.bytes.count)
            let kept = RuntimeProgress(
                checkpoint: try IMACheckpoint(parsing: progress.checkpoint.bytes), summary: progress.summary)
            let rest = Array(list.bytes[early.bytes.count...])
            let resumed = try run(rest, try bench.quoted(list), bench, resuming: kept)
            #expect(resumed.appraisal == whole.appraisal, "from entry \(count)")
            #expect(resumed.progress?.summary == whole.progress?.summary)
        }
    }

    @Test("An entry behind what the quote stands for is judged with the next quote, not with this one")
    func waiting() throws {
        let bench = try RuntimeBench()
        let honest = bench.list([bench.aggregate(), bench.file("/bin/ls", "ls")])
        let longer = bench.list([bench.aggregate(), bench.file("/bin/ls", "ls"), bench.file("/root/evil", "evil")])
        let result = try run(longer.bytes, try bench.quoted(honest), bench)
        #expect(result.appraisal.findings == [])
        let progress = try #require(result.progress)
        #expect(progress.checkpoint.offset == honest.bytes.count && progress.summary.entryCount == 2)
        let rest = Array(longer.bytes[honest.bytes.count...])
        let next = try run(rest, try bench.quoted(longer), bench, resuming: progress)
        #expect(next.appraisal.findings.map(\.id) == ["IMA_UNKNOWN_FILE"])
    }

    @Test("IM-06: a list that the quote does not stand for leaves nothing to go on from")
    func disagreeing() throws {
        let bench = try RuntimeBench()
        let list = bench.list([bench.aggregate(), bench.file("/bin/ls", "ls")])
        let other = bench.list([bench.aggregate(), bench.file("/bin/sh", "sh")])
        let result = try run(list.bytes, try bench.quoted(other), bench)
        #expect(result.progress == nil)
        #expect(result.appraisal.findings.map(\.id).contains("IMA_REPLAY"))
        let broken = try run(Array(list.bytes.dropLast()), try bench.quoted(list), bench)
        #expect(broken.progress == nil)
        #expect(broken.appraisal.findings.contains { $0.tier == .contraindicated })
    }

    @Test("Progress under other references, or of another count of entries, does not serve")
    func otherReferences() throws {
        let bench = try RuntimeBench()
        let list = bench.list([bench.aggregate(), bench.file("/bin/ls", "ls")])
        let pcrs = try bench.quoted(list)
        let progress = try #require(try run(list.bytes, pcrs, bench).progress)
        let others = try RuntimeBench { $0.exclude = ["/tmp/**"] }
        #expect(RuntimeListJudge(pcrs, by: others.rules, resuming: progress, signatures: NoSignatureVerdicts()) == nil)
        let torn = RuntimeProgress(checkpoint: progress.checkpoint, summary: bench.summary([bench.aggregate()]))
        #expect(RuntimeListJudge(pcrs, by: bench.rules, resuming: torn, signatures: NoSignatureVerdicts()) == nil)
    }

    @Test("The short way for listed files says what the long way says, of every kind of entry")
    func shortWay() throws {
        let bench = try RuntimeBench(denied: [RuntimeBench.digest("sh")]) { runtime in
            runtime.buffers = ["\(RuntimeBench.digest("k")) kexec-cmdline"]
        }
        let entries = [bench.file("/bin/ls", "ls"), bench.aggregate()] + mixed(bench) + [bench.file("/bin/sh", "sh")]
        let list = bench.list(entries)
        let short = try #require(try run(list.bytes, try bench.quoted(list), bench).progress?.summary)
        #expect(short.entryCount == entries.count)
        #expect(short == bench.summary(entries))
        #expect(short.findings.map(\.id).contains("REF_REVOKED_COMPONENT"))
    }
}

@Suite("Registers that moved after the quote")
struct RegisterSearchTests {
    private func search(
        _ list: [UInt8], _ quote: VerifiedQuote, read: PCRValues, resuming checkpoint: IMACheckpoint? = nil,
        modes: Set<IMAExtension> = [.native]
    ) throws -> AttestedPCRs? {
        guard var search = IMARegisterSearch(quote, read: read, modes: modes, resuming: checkpoint) else { return nil }
        for start in stride(from: 0, to: list.count, by: 50) {
            try search.append(Array(list[start..<min(list.count, start + 50)]).span)
        }
        return try search.finish()
    }

    @Test("PCR 10 is found at every entry of a list, in every bank, and nothing but PCR 10 is made up")
    func found() throws {
        let bench = try RuntimeBench(quoting: [.sha1, .sha256])
        var entries = [bench.aggregate()]
        for number in 0..<10 { entries.append(bench.file("/bin/\(number)", "\(number)")) }
        let list = bench.list(entries)
        let later = try bench.quoted(list).values
        for count in 0...entries.count {
            let signed = try bench.quoted(bench.list(Array(entries.prefix(count))))
            #expect(try search(list.bytes, signed.quote, read: later) == signed, "\(count)")
            var other = later
            other.set(.zero(.sha256), bank: .sha256, index: PCRIndex.all[3])
            #expect(try search(list.bytes, signed.quote, read: other) == nil)
        }
        // Only from a checkpoint on.
        let early = bench.list(Array(entries.prefix(5)))
        var verification = try #require(IMAListVerification(attested: bench.quoted(early)))
        try verification.append(early.bytes.span)
        let checkpoint = try #require(try verification.finish().replayed?.checkpoint)
        let rest = Array(list.bytes[early.bytes.count...])
        let six = try bench.quoted(bench.list(Array(entries.prefix(6))))
        #expect(try search(rest, six.quote, read: later, resuming: checkpoint) == six)
        let four = try bench.quoted(bench.list(Array(entries.prefix(4))))
        #expect(try search(rest, four.quote, read: later, resuming: checkpoint) == nil)
    }

    @Test("A padded bank is searched as padded only where that is allowed")
    func padded() throws {
        let bench = try RuntimeBench()
        let list = bench.list([bench.aggregate(), bench.file("/bin/ls", "ls")])
        let padded = try SealedMachine(.honest()) { values in
            values.set(list.register(.sha256, padded: true), bank: .sha256, index: PCRIndex.all[10])
        }.pcrs
        let read = try bench.quoted(bench.list([bench.aggregate()])).values
        #expect(try search(list.bytes, padded.quote, read: read) == nil)
        #expect(try search(list.bytes, padded.quote, read: read, modes: Set(IMAExtension.allCases)) == padded)
    }

    @Test("Where another register was not read there is nothing to search for")
    func unreadRegister() throws {
        let machine = try SealedMachine(.honest(), quoting: [.sha256])
        let values = machine.pcrs.values
        #expect(machine.pcrs[.sha256, PCRIndex.all[10]] != nil)
        var missing = PCRValues()
        for (index, digest) in values.banks[.sha256] ?? [:] where index != PCRIndex.all[0] {
            missing.set(digest, bank: .sha256, index: index)
        }
        #expect(IMARegisterSearch(machine.pcrs.quote, read: missing) == nil)
    }
}
