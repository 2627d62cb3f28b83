import Appraisal
import ArgumentParser
import FoundationEssentials
import Glibc
import IMAMeasurementList
import ReferenceValues
import TPMCryptography
import TPMStructures

/// A list as a Debian guest writes it (template ima-ng, SHA-256, SHA-1 template digests), of any length.
struct SyntheticList {
    let bytes: [UInt8]
    /// Where each entry's template data lies.
    let data: [Range<Int>]
    let values: PCRValues

    init(entries count: Int) {
        var bytes: [UInt8] = []
        var data: [Range<Int>] = []
        var register = Digest.zero(.sha256)
        for number in 0..<count {
            let entry = Self.entry(number)
            data.append(bytes.count + entry.dataStart..<bytes.count + entry.bytes.count)
            bytes += entry.bytes
            register = extend(register, with: entry.digest) ?? register
        }
        self.bytes = bytes
        self.data = data
        values = Self.values(register)
    }

    static func values(_ register: Digest) -> PCRValues {
        var values = PCRValues()
        values.set(register, bank: .sha256, index: PCRIndex.all[10])
        return values
    }

    /// One entry, where its template data begins, and what the SHA-256 bank is extended with.
    static func entry(_ number: Int) -> (bytes: [UInt8], dataStart: Int, digest: Digest) {
        func integer(_ value: Int) -> [UInt8] { [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) } }
        let path = Array(path(number).utf8)
        var data = integer(8 + 32) + Array("sha256:".utf8) + [0] + MessageDigest.hash(path, .sha256).bytes
        data += integer(path.count + 1) + path + [0]
        var bytes = integer(10) + MessageDigest.hash(data, .sha1).bytes
        bytes += integer(6) + Array("ima-ng".utf8) + integer(data.count)
        let start = bytes.count
        return (bytes + data, start, MessageDigest.hash(data, .sha256))
    }

    /// Paths of a Debian system have 30 to 90 characters.
    private static func path(_ number: Int) -> String {
        if number == 0 { return "boot_aggregate" }
        let folders = [
            "/usr/bin/tool", "/usr/lib/x86_64-linux-gnu/libsomething",
            "/usr/lib/modules/6.1.0-52-amd64/kernel/drivers/net/driver",
            "/usr/lib/python3/dist-packages/package/module",
        ]
        return "\(folders[number % folders.count])-\(number).so"
    }

    /// References that know every file of a list of `count` entries.
    static func policy(of count: Int) throws -> CompiledRuntime {
        var runtime = ReferenceSet.Runtime(minimumEntries: 2)
        runtime.files = (1..<count).map { number in
            let path = Self.path(number)
            return "\(MessageDigest.hash(Array(path.utf8), .sha256)) \(path)"
        }
        let set = ReferenceSet(
            name: "bench", group: "bench", provenance: [], banks: ["sha256"],
            layers: [.init(id: .tpmIdentity), .init(id: .runtime)], pcrs: [], runtime: runtime)
        guard let rules = try CompiledReferences(set).runtime else { throw ExitCode(70) }
        return rules
    }

    /// Parse, template digests, replay, the search for the prefix.
    func verify() throws -> IMAListOutcome {
        guard var verification = IMAListVerification(againstUnsigned: values) else { throw ExitCode(70) }
        try verification.append(bytes.span)
        return try verification.finish()
    }
}

extension Bench {
    /// The bound: of each entry the SHA-1 and the SHA-256 of the same bytes, and one SHA-256 of 64 bytes to extend.
    func measurementList(_ count: Int) throws -> Comparison.Result {
        let list = SyntheticList(entries: count)
        guard try list.verify().replayed?.entryCount == count else { throw ExitCode(70) }
        var register = [UInt8](repeating: 0, count: 32)
        var scratch = [UInt8](repeating: 0, count: 32)
        return try Comparison(
            name: "IMA list parse, replay and search, \(count) entries (\(list.bytes.count) bytes)",
            bareName: "bare hashing of the same entries", limit: 4
        ).run(rounds: count > 10_000 ? 7 : rounds, iterations: max(1, 10_000 / count)) {
            for range in list.data {
                let data = list.bytes.span.extracting(range)
                MessageDigest.hash(data, into: &scratch, at: 0, .sha1)
                MessageDigest.hash(data, into: &scratch, at: 0, .sha256)
                MessageDigest.extend(&register, at: 0, with: scratch.span, .sha256)
            }
            consume(register)
        } ours: {
            consume(try list.verify())
        }
    }

    /// As ``measurementList(_:)``, and every entry judged by a policy of 100,000 files that knows it.
    func judgedList(_ count: Int) throws -> Comparison.Result {
        let list = SyntheticList(entries: count)
        let attested = try SignedQuote.attested(list.values)
        let rules = try SyntheticList.policy(of: 100_000)
        func judge() throws {
            guard var judge = RuntimeListJudge(attested, by: rules, signatures: NoSignatureVerdicts()) else {
                throw ExitCode(70)
            }
            judge.append(list.bytes.span)
            let (appraisal, progress) = judge.finish(at: 0)
            // The boot aggregate of a made-up list is that of no registers.
            guard progress?.summary.entryCount == count, appraisal.findings.count == 1 else { throw ExitCode(70) }
        }
        try judge()
        var register = [UInt8](repeating: 0, count: 32)
        var scratch = [UInt8](repeating: 0, count: 32)
        return try Comparison(
            name: "IMA list parse, replay and judging by 100000 files, \(count) entries",
            bareName: "bare hashing of the same entries", limit: 4
        ).run(rounds: count > 10_000 ? 7 : rounds, iterations: max(1, 10_000 / count)) {
            for range in list.data {
                let data = list.bytes.span.extracting(range)
                MessageDigest.hash(data, into: &scratch, at: 0, .sha1)
                MessageDigest.hash(data, into: &scratch, at: 0, .sha256)
                MessageDigest.extend(&register, at: 0, with: scratch.span, .sha256)
            }
            consume(register)
        } ours: {
            try judge()
        }
    }

    /// A quote without new entries: the checkpoint's bytes are read, compared and written again.
    func unchangedList() throws -> Comparison.Result {
        let kept = try [1000, 100_000].map { count in
            let list = SyntheticList(entries: count)
            guard let checkpoint = try list.verify().replayed?.checkpoint else { throw ExitCode(70) }
            return (checkpoint.bytes, list.values)
        }
        func attest(_ kept: ([UInt8], PCRValues)) throws {
            let checkpoint = try IMACheckpoint(parsing: kept.0)
            guard var verification = IMAListVerification(againstUnsigned: kept.1, resuming: checkpoint),
                let list = try verification.finish().replayed
            else { throw ExitCode(70) }
            consume(list.checkpoint.bytes)
        }
        return try Comparison(
            name: "IMA without new entries, list of 100000", bareName: "list of 1000", limit: 1.2
        ).run(rounds: rounds, iterations: 200) {
            try attest(kept[0])
        } ours: {
            try attest(kept[1])
        }
    }

    /// A first upload of 100,000 entries, 64 KiB at a time: CPU time, and memory above what was there before.
    ///
    /// Must come first: freed memory that the process still holds would hide what this takes.
    func firstUpload() throws -> (line: String, holds: Bool) {
        let path = "/tmp/bootgate-bench-\(getpid()).list"
        defer { unlink(path) }
        let values = try Self.writeList(of: 100_000, to: path)
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0, var verification = IMAListVerification(againstUnsigned: values) else {
            throw ExitCode(70)
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let idle = try Self.memory("VmRSS")
        let start = clock()
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            try verification.append(buffer.span.extracting(0..<count))
        }
        let outcome = try verification.finish()
        let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        guard outcome.replayed?.entryCount == 100_000 else { throw ExitCode(70) }
        let mebibytes = Double(try Self.memory("VmHWM") - idle) / 1024
        let holds = seconds <= 1 && mebibytes <= 128
        return (
            "IMA first upload, 100000 entries in pieces of 64 KiB: \(Double(Int(seconds * 1000)) / 1000) s of CPU, peak "
                + "\(Double(Int(mebibytes * 100)) / 100) MiB above idle (bars 1 s, 128 MiB: \(holds ? "hold" : "BROKEN"))",
            holds
        )
    }

    /// Writes a list entry by entry, so that it is never in memory.
    private static func writeList(of count: Int, to path: String) throws -> PCRValues {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw ExitCode(70) }
        defer { close(descriptor) }
        var register = Digest.zero(.sha256)
        for number in 0..<count {
            let entry = SyntheticList.entry(number)
            guard entry.bytes.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == entry.bytes.count
            else {
                throw ExitCode(70)
            }
            register = extend(register, with: entry.digest) ?? register
        }
        return SyntheticList.values(register)
    }

    /// A line of /proc/self/status, in KiB: VmRSS is now, VmHWM the most there ever was.
    private static func memory(_ name: String) throws -> Int {
        let text = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/status")), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        guard let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }), words.count > 1,
            let value = Int(words[1])
        else { throw ExitCode(70) }
        return value
    }
}
