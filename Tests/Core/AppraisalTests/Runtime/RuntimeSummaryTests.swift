import Appraisal
import AttestationTestKit
import Crypto
import Foundation
import IMAMeasurementList
import ReferenceValues
import SwiftASN1
import TPMCryptography
import TPMStructures
import Testing
import X509

/// One entry of a list, as it is judged, and what a buffer held.
struct Measured: Equatable {
    var entry: RuntimeEntry
    var buffer: [UInt8] = []
}

/// A machine that boots honestly, measures what a test wants, and is quoted with exactly this in PCR 10.
struct RuntimeBench {
    let boot: SealedMachine
    let banks: Set<PCRBank>
    let references: CompiledReferences
    let rules: CompiledRuntime

    static func digest(_ content: String, _ algorithm: HashAlgorithm = .sha256) -> FileDigest {
        FileDigest(MessageDigest.hash(Array(content.utf8), algorithm))
    }

    init(
        quoting banks: Set<PCRBank> = [.sha256], onUnknown: ReferenceSet.LayerRule.OnUnknown = .fail,
        denied: [FileDigest] = [], _ change: (inout ReferenceSet.Runtime) -> Void = { _ in }
    ) throws {
        self.banks = banks
        boot = try SealedMachine(.honest(banks: banks.sorted()), quoting: banks)
        var runtime = ReferenceSet.Runtime(minimumEntries: 2)
        runtime.files = ["\(Self.digest("ls")) /bin/ls", "\(Self.digest("sh")) /bin/sh"]
        change(&runtime)
        let set = ReferenceSet(
            name: "s", group: "g", provenance: [], banks: ["sha256"],
            layers: [.init(id: .tpmIdentity), .init(id: .runtime, onUnknown: onUnknown)], pcrs: [],
            denied: denied.map { .init(name: "old ls", digests: [$0.digest.description], reason: "CVE-0") },
            runtime: runtime)
        references = try CompiledReferences(set)
        rules = try #require(references.runtime)
    }

    /// The hash of the quoted PCR 0 up to `last`.
    func aggregate(_ bank: PCRBank = .sha256, last: Int = 9) -> Measured {
        let values = (0...last).flatMap { boot.pcrs[bank, PCRIndex.all[$0]]?.bytes ?? [] }
        return entry("boot_aggregate", FileDigest(MessageDigest.hash(values, bank)))
    }

    func entry(_ path: String, _ digest: FileDigest, signature: [UInt8]? = nil) -> Measured {
        Measured(
            entry: RuntimeEntry(
                path: Array(path.utf8), content: .file(digest, signatures: signature.map { [.attribute($0)] } ?? [])))
    }
    func file(_ path: String, _ content: String) -> Measured { entry(path, Self.digest(content)) }
    func violation(_ path: String) -> Measured {
        Measured(entry: RuntimeEntry(path: Array(path.utf8), content: .violation))
    }
    func buffer(_ name: String, _ content: String) -> Measured {
        Measured(
            entry: RuntimeEntry(path: Array(name.utf8), content: .buffer(Self.digest(content))),
            buffer: Array(content.utf8))
    }

    func summary(_ entries: [Measured]) -> RuntimeSummary {
        var summary = RuntimeSummary(rules)
        var none = NoSignatureVerdicts()
        _ = summary.judge(entries.map(\.entry), by: rules, signatures: &none)
        return summary
    }

    func list(_ entries: [Measured]) -> IMAListBuilder {
        var list = IMAListBuilder()
        // A kernel uses one template for all files.
        let isSigned = entries.contains {
            if case .file(_, let made) = $0.entry.content { !made.isEmpty } else { false }
        }
        for measured in entries {
            let name = measured.entry.path + [0]
            switch measured.entry.content {
            case .file(let file, let signatures):
                let digest = IMAListBuilder.digest(file.digest.algorithm.name, file.digest.bytes)
                var field: [UInt8] = []
                if case .attribute(let bytes)? = signatures.first { field = bytes }
                list.add(isSigned ? "ima-sig" : "ima-ng", [digest, name] + (isSigned ? [field] : []))
            case .buffer(let file):
                list.add("ima-buf", [IMAListBuilder.digest("sha256", file.digest.bytes), name, measured.buffer])
            default: list.addViolation(String(decoding: measured.entry.path, as: UTF8.self))
            }
        }
        return list
    }

    /// The quote of a machine that measured this.
    func quoted(_ list: IMAListBuilder) throws -> AttestedPCRs {
        try SealedMachine(.honest(banks: banks.sorted()), quoting: banks) { values in
            for bank in banks { values.set(list.register(bank), bank: bank, index: PCRIndex.all[10]) }
        }.pcrs
    }

    func findings(_ entries: [Measured], at milliseconds: Int64 = 0) throws -> [Finding] {
        let list = list(entries)
        return RuntimeAppraisal(measurementList: list.bytes, try quoted(list), by: rules, at: milliseconds).findings
    }
    func ids(_ entries: [Measured]) throws -> [String] { try findings(entries).map(\.id) }
}

@Suite("Judging a measurement list")
struct RuntimeSummaryTests {
    @Test("A list of known files with the boot aggregate of the quoted registers has no finding")
    func honest() throws {
        let bench = try RuntimeBench()
        #expect(
            try bench.findings([bench.aggregate(), bench.file("/bin/ls", "ls"), bench.file("/bin/sh", "sh")]) == [])
    }

    @Test("IM-01, AG-01: an unknown file and a known path with other content are named with entry, expected and seen")
    func im01() throws {
        let bench = try RuntimeBench()
        let findings = try bench.findings([
            bench.aggregate(), bench.file("/bin/ls", "ls"), bench.file("/root/evil", "evil"),
            bench.file("/bin/sh", "evil"),
        ])
        #expect(findings.map(\.id) == ["IMA_UNKNOWN_FILE", "IMA_DIGEST"])
        #expect(findings.map(\.event) == [2, 3])
        #expect(findings.map(\.name) == ["/root/evil", "/bin/sh"])
        #expect(findings.allSatisfy { $0.layer == .runtime && $0.pcr == 10 && $0.tier == .contraindicated })
        #expect(findings[1].expected == RuntimeBench.digest("sh").description)
        #expect(findings[1].seen == RuntimeBench.digest("evil").description)
    }

    @Test("onUnknown: warn softens an unknown file, and nothing else")
    func warn() throws {
        let bench = try RuntimeBench(onUnknown: .warn)
        let findings = try bench.findings([
            bench.aggregate(), bench.file("/root/x", "x"), bench.file("/bin/sh", "evil"),
            bench.violation("/bin/ls"),
        ])
        #expect(findings.map(\.id) == ["IMA_UNKNOWN_FILE", "IMA_DIGEST", "IMA_VIOLATION"])
        #expect(findings.map(\.tier) == [.warning, .contraindicated, .contraindicated])
    }

    @Test("IM-05: a name that holds a forged line is one entry, and printed escaped")
    func im05() throws {
        let bench = try RuntimeBench()
        let forged = "/tmp/x\n10 \(String(repeating: "a", count: 40)) ima-ng \(RuntimeBench.digest("ls")) /bin/ls"
        let findings = try bench.findings([bench.aggregate(), bench.file(forged, "evil")])
        #expect(findings.map(\.id) == ["IMA_UNKNOWN_FILE"])
        #expect(findings[0].name?.hasPrefix("/tmp/x\\x0a10 ") == true)
        #expect(!findings[0].detail.contains("\n"))
        let odd: [([UInt8], String)] = [
            ([0x2F, 0xFF], "/\\xff"), (Array("/a\\x0a".utf8), "/a\\\\x0a"),
            (Array("/\u{202E}x".utf8), "/\\xe2\\x80\\xaex"),
            (Array("/é".utf8), "/é"),
        ]
        for (path, text) in odd {
            let entry = Measured(
                entry: RuntimeEntry(path: path, content: .file(RuntimeBench.digest("x"))))
            #expect(try bench.findings([bench.aggregate(), entry]).first?.name == text)
        }
    }

    @Test("IM-10: a boot aggregate that is absent, moved, repeated, or of other registers is IMA_BOOT_AGGREGATE")
    func im10() throws {
        let bench = try RuntimeBench()
        let ls = bench.file("/bin/ls", "ls")
        let sh = bench.file("/bin/sh", "sh")
        for entries in [
            [ls, sh], [ls, bench.aggregate(), sh], [bench.aggregate(), bench.aggregate(), ls],
            [bench.aggregate(), ls, bench.aggregate()], [bench.aggregate(last: 7), ls], [bench.aggregate(last: 8), ls],
            [bench.entry("boot_aggregate", RuntimeBench.digest("other boot")), ls],
            [bench.violation("boot_aggregate"), ls],
            [bench.buffer("boot_aggregate", "x"), ls],
        ] {
            let findings = try bench.findings(entries)
            #expect(findings.contains { $0.id == "IMA_BOOT_AGGREGATE" && $0.tier == .contraindicated })
        }
        let zeros = try #require(Digest(algorithm: .sha256, bytes: [UInt8](repeating: 0, count: 32)))
        #expect(try bench.ids([bench.entry("boot_aggregate", FileDigest(zeros)), ls]) == ["IMA_BOOT_AGGREGATE"])
    }

    @Test("IM-10: SHA-1's boot aggregate is that of PCR 0 to 7; one of a bank that is not quoted is missing evidence")
    func im10SHA1() throws {
        let both = try RuntimeBench(quoting: [.sha1, .sha256])
        let ls = both.file("/bin/ls", "ls")
        #expect(try both.ids([both.aggregate(.sha1, last: 7), ls]) == [])
        #expect(try both.ids([both.aggregate(.sha1, last: 9), ls]) == ["IMA_BOOT_AGGREGATE"])
        let one = try RuntimeBench()
        let findings = try one.findings([one.entry("boot_aggregate", RuntimeBench.digest("x", .sha1)), ls])
        #expect(findings.map(\.tier) == [.none])
    }

    @Test("IM-11: a kexec, and the second boot aggregate behind it, is IMA_KEXEC unless its command line is allowed")
    func im11() throws {
        let allowed = "root=/dev/sda1"
        let bench = try RuntimeBench { $0.kexec = ["\(RuntimeBench.digest(allowed))"] }
        let ls = bench.file("/bin/ls", "ls")
        let aggregate = bench.aggregate()
        #expect(
            try bench.ids([aggregate, ls, bench.buffer("kexec-cmdline", "init=/evil"), aggregate])
                == ["IMA_KEXEC", "IMA_KEXEC"])
        #expect(try bench.ids([aggregate, ls, bench.buffer("kexec-cmdline", allowed), aggregate]) == [])
        #expect(
            try bench.ids([
                aggregate, ls, bench.buffer("kexec-cmdline", allowed),
                bench.entry("boot_aggregate", RuntimeBench.digest("other")),
            ]) == ["IMA_KEXEC"])
        // A later command line that nobody allowed takes the permission back.
        #expect(
            try bench.ids([
                aggregate, ls, bench.buffer("kexec-cmdline", allowed), bench.buffer("kexec-cmdline", "x"), aggregate,
            ]) == ["IMA_KEXEC", "IMA_KEXEC"])
    }

    @Test("IM-11: a command line for kexec allows one kernel; what starts after it needs its own")
    func im11Once() throws {
        let allowed = "root=/dev/sda1"
        let bench = try RuntimeBench { $0.kexec = ["\(RuntimeBench.digest(allowed))"] }
        let (aggregate, kexec) = (bench.aggregate(), bench.buffer("kexec-cmdline", allowed))
        let ls = bench.file("/bin/ls", "ls")
        #expect(try bench.ids([aggregate, ls, kexec, aggregate, ls, aggregate]) == ["IMA_BOOT_AGGREGATE"])
        #expect(try bench.ids([aggregate, ls, kexec, aggregate, ls, kexec, aggregate]) == [])
        #expect(bench.summary([aggregate, ls, kexec, aggregate, ls, kexec, aggregate]).allowedKexecs == 2)
        #expect(bench.summary([aggregate, ls, kexec]).allowedKexecs == 0)
    }

    @Test("IM-12: fewer entries than the references demand are IMA_NOT_ACTIVE, another policy IMA_POLICY_CHANGED")
    func im12() throws {
        let bench = try RuntimeBench {
            $0.minimumEntries = 3
            $0.policies = ["\(RuntimeBench.digest("strict"))"]
        }
        let (aggregate, ls) = (bench.aggregate(), bench.file("/bin/ls", "ls"))
        #expect(try bench.ids([aggregate]) == ["IMA_NOT_ACTIVE"])
        #expect(try bench.ids([aggregate, ls]) == ["IMA_NOT_ACTIVE"])
        #expect(try bench.ids([]) == ["IMA_NOT_ACTIVE", "IMA_BOOT_AGGREGATE"])
        #expect(try bench.ids([aggregate, ls, bench.file("/etc/ima/ima-policy", "strict")]) == [])
        #expect(try bench.ids([aggregate, ls, bench.file("/etc/ima/ima-policy", "weak")]) == ["IMA_POLICY_CHANGED"])
    }

    @Test("EL-20: a denied digest is refused though its path and digest are allowed, with the list's reason")
    func el20() throws {
        let bench = try RuntimeBench(denied: [RuntimeBench.digest("ls")])
        let findings = try bench.findings([bench.aggregate(), bench.file("/bin/ls", "ls"), bench.file("/bin/sh", "sh")])
        #expect(findings.map(\.id) == ["REF_REVOKED_COMPONENT"])
        #expect(findings[0].detail.contains("old ls") && findings[0].detail.contains("CVE-0"))
    }

    @Test("Findings of one id are capped, and the true count is said")
    func cap() throws {
        let bench = try RuntimeBench()
        let many = (0..<1000).map { bench.file("/root/\($0)", "x") }
        let findings = try bench.findings([bench.aggregate()] + many)
        #expect(findings.count == RuntimeSummary.maximumFindings + 1)
        #expect(findings.last?.detail.contains("1000") == true)
        #expect(findings.allSatisfy { $0.tier == .contraindicated })
    }

    @Test("Judging by increments of any size gives the summary of the whole list, also through its stored form")
    func increments() throws {
        var generator = SeededGenerator(seed: 7)
        let bench = try RuntimeBench { $0.kexec = ["\(RuntimeBench.digest("ok"))"] }
        var entries = [bench.aggregate()]
        for number in 0..<300 {
            entries.append(
                [
                    bench.file("/bin/ls", "ls"), bench.file("/bin/sh", "evil"), bench.file("/x\(number)", "x"),
                    bench.buffer("kexec-cmdline", "ok"), bench.buffer("kexec-cmdline", "no"), bench.aggregate(),
                    bench.violation("/bin/ls"),
                ].randomElement(using: &generator) ?? bench.aggregate())
        }
        let whole = bench.summary(entries)
        for _ in 0..<20 {
            var summary = RuntimeSummary(bench.rules)
            var none = NoSignatureVerdicts()
            var start = 0
            while start < entries.count {
                let end = min(entries.count, start + Int.random(in: 1...60, using: &generator))
                #expect(summary.judge(entries[start..<end].map(\.entry), by: bench.rules, signatures: &none))
                summary = try JSONDecoder().decode(RuntimeSummary.self, from: JSONEncoder().encode(summary))
                start = end
            }
            #expect(summary == whole)
        }
    }

    @Test("IM-16: whatever a list holds more, no finding goes away")
    func monotonic() throws {
        let bench = try RuntimeBench()
        let entries = [
            bench.aggregate(), bench.file("/root/evil", "evil"), bench.file("/bin/ls", "ls"), bench.aggregate(),
            bench.buffer("kexec-cmdline", "x"), bench.aggregate(), bench.file("/bin/sh", "sh"),
        ]
        var before: [Finding] = []
        for count in 2...entries.count {
            let after = try bench.findings(Array(entries.prefix(count)))
            #expect(before.allSatisfy(after.contains))
            before = after
        }
    }

    @Test("A summary made under other references judges nothing")
    func otherPolicy() throws {
        let first = try RuntimeBench()
        let changes: [(inout ReferenceSet.Runtime) -> Void] = [
            { $0.files?.append("\(RuntimeBench.digest("x")) /x") }, { $0.exclude = ["/tmp/**"] },
            { $0.minimumEntries = 3 },
        ]
        for change in changes {
            let second = try RuntimeBench(change)
            var summary = first.summary([first.aggregate()])
            var none = NoSignatureVerdicts()
            #expect(!summary.isUsable(under: second.rules))
            #expect(!summary.judge([second.file("/bin/ls", "ls").entry], by: second.rules, signatures: &none))
            #expect(summary.entryCount == 1)
        }
        #expect(try !first.summary([]).isUsable(under: RuntimeBench(denied: [RuntimeBench.digest("x")]).rules))
        #expect(try !first.summary([]).isUsable(under: RuntimeBench(onUnknown: .warn).rules))
        #expect(try first.summary([]).isUsable(under: RuntimeBench().rules))
    }

    @Test(
        "IM-15: an entry that rests on a signer counts as long as the certificate is valid, and names it after its end")
    func im15() throws {
        let signed = try RuntimeBench { runtime in
            runtime.signers = [.init(name: "vendor", certificate: RuntimeSigningKey.certificate)]
        }
        let digest = RuntimeBench.digest("program")
        let field = try RuntimeSigningKey.field("program")
        let entries = [signed.aggregate(), signed.entry("/opt/program", digest, signature: field)]
        #expect(try signed.findings(entries, at: 1_700_000_000_000) == [])
        for milliseconds in [Int64(1_699_999_999_000), 1_700_086_401_000] {
            let findings = try signed.findings(entries, at: milliseconds)
            #expect(findings.map(\.id) == ["IMA_SIGNATURE"])
            #expect(findings.first?.name == "vendor")
        }
        let stolen = [signed.aggregate(), signed.entry("/opt/other", RuntimeBench.digest("evil"), signature: field)]
        let refused = try signed.findings(stolen, at: 1_700_000_000_000)
        #expect(refused.map(\.id) == ["IMA_SIGNATURE"])
        #expect(refused.first?.name == "/opt/other")
    }

    @Test("IM-03: zero-padded SHA-1 digests count only where the references say so")
    func im03() throws {
        let strict = try RuntimeBench()
        let padding = try RuntimeBench { $0.paddedSHA1 = true }
        let list = strict.list([strict.aggregate(), strict.file("/bin/ls", "ls")])
        let padded = try SealedMachine(.honest()) { values in
            values.set(list.register(.sha256, padded: true), bank: .sha256, index: PCRIndex.all[10])
        }.pcrs
        let native = try strict.quoted(list)
        func ids(_ bench: RuntimeBench, _ pcrs: AttestedPCRs) -> [String] {
            RuntimeAppraisal(measurementList: list.bytes, pcrs, by: bench.rules, at: 0).findings.map(\.id)
        }
        #expect(ids(strict, native) == [])
        #expect(ids(strict, padded).contains("IMA_REPLAY"))
        #expect(ids(padding, padded) == [])
        #expect(ids(padding, native) == [])
    }

    @Test("IM-04: a file that calls itself a buffer is IMA_TEMPLATE; an entry of another register is too")
    func im04() throws {
        let bench = try RuntimeBench { $0.ignoredBuffers = ["dm_table_load"] }
        var list = bench.list([bench.aggregate(), bench.file("/bin/ls", "ls")])
        let digest = IMAListBuilder.digest("sha256", RuntimeBench.digest("evil").digest.bytes)
        list.add("ima-buf", [digest, Array("dm_table_load".utf8) + [0], []])
        let findings = RuntimeAppraisal(
            measurementList: list.bytes, try bench.quoted(list), by: bench.rules, at: 0
        ).findings
        #expect(findings.map(\.id) == ["IMA_TEMPLATE"])
        #expect(findings.first?.event == 2)
    }

    @Test("A summary of fewer or more entries than the quote stands for is missing evidence")
    func otherCount() throws {
        let bench = try RuntimeBench()
        let entries = [bench.aggregate(), bench.file("/bin/ls", "ls"), bench.file("/bin/sh", "sh")]
        let list = bench.list(entries)
        var verification = try #require(IMAListVerification(attested: bench.quoted(list)))
        try verification.append(list.bytes.span)
        let replayed = try #require(try verification.finish().replayed)
        for count in 0...3 {
            let findings = RuntimeAppraisal(
                replayed, bench.summary(Array(entries.prefix(count))), by: bench.rules, at: 0
            ).findings
            #expect(findings.map(\.id) == (count == 3 ? [] : ["EVIDENCE_MISSING"]))
        }
        let other = try RuntimeBench { $0.exclude = ["/tmp/**"] }
        let foreign = RuntimeAppraisal(replayed, bench.summary(entries), by: other.rules, at: 0)
        #expect(foreign.findings.map(\.id) == ["EVIDENCE_MISSING"])
    }

    @Test("IM-12: no list is IMA_NOT_ACTIVE where PCR 10 was never extended, and missing evidence where it was")
    func im12NoList() throws {
        let bench = try RuntimeBench()
        func ids(_ entries: [Measured]) throws -> [String] {
            RuntimeAppraisal(
                measurementList: nil, try bench.quoted(bench.list(entries)), by: bench.rules, at: 0
            ).findings.map(\.id)
        }
        #expect(try ids([]) == ["IMA_NOT_ACTIVE"])
        #expect(try ids([bench.aggregate()]) == ["EVIDENCE_MISSING"])
    }
}

/// A certificate of one day, and signatures by its key.
enum RuntimeSigningKey {
    private static let key = P256.Signing.PrivateKey()
    static let certificate: String = {
        let name = try? DistinguishedName { CommonName("vendor") }
        let epoch = Date(timeIntervalSince1970: 1_700_000_000)
        let certificate = try? Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
            notValidBefore: epoch,
            notValidAfter: epoch.addingTimeInterval(86_400), issuer: name ?? DistinguishedName(),
            subject: name ?? DistinguishedName(), extensions: Certificate.Extensions(), issuerPrivateKey: .init(key))
        return (try? certificate?.serializeAsPEM().pemString) ?? ""
    }()

    /// `security.ima`, version 2, SHA-256.
    static func field(_ content: String) throws -> [UInt8] {
        let signature = Array(try key.signature(for: SHA256.hash(data: Array(content.utf8))).derRepresentation)
        let id = Insecure.SHA1.hash(data: key.publicKey.x963Representation).suffix(4)
        return [3, 2, 4] + id + [0, UInt8(signature.count)] + signature
    }
}
