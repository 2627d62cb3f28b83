import JSONCoding
import ReferenceValues
import Testing

@Suite("Runtime references")
struct RuntimeLintTests {
    private func codes(_ change: (inout ReferenceSet.Runtime) -> Void) -> [String] {
        RuntimeFixture.set(change).lint().map(\.code)
    }
    private let digest = "sha256:" + String(repeating: "ab", count: 32)

    @Test("A sound section is read back from its own bytes")
    func roundTrip() throws {
        let set = RuntimeFixture.set {
            $0.exclude = ["/tmp/**"]
            $0.violations = ["/var/log/*"]
            $0.buffers = ["\(digest) .ima"]
            $0.ignoredBuffers = ["dm_table_load"]
            $0.policies = [digest]
            $0.kexec = [digest]
            $0.files?.append("verity:\(digest) /opt/with space")
            $0.paddedSHA1 = true
            $0.mustContain = ["boot_aggregate"]
        }
        #expect(set.lint() == [])
        #expect(try ReferenceSet(parsing: set.encoded()) == set)
    }

    @Test("RV-13: PCR 10 is judged by the section runtime, and by nothing beside it")
    func rv13() {
        var set = RuntimeFixture.set()
        set.runtime = nil
        #expect(set.lint().map(\.code) == ["POL_PCR_UNSET"])
        #expect(set.lint().first?.path == "runtime")
        set = RuntimeFixture.set()
        set.layers.removeLast()
        #expect(set.lint().map(\.code) == ["POL_SCHEMA"])
        set = RuntimeFixture.set()
        set.pcrs = [.init(ignoring: "moves", pcr: 10)]
        #expect(set.lint().map(\.code) == ["POL_SCHEMA"])
        set.pcrs = [.init(events: [], pcr: 10)]
        #expect(set.lint().map(\.code) == ["POL_SCHEMA"])
    }

    @Test("RV-01: a section that could match nothing, or everything, is POL_EMPTY")
    func rv01() {
        #expect(codes { ($0.files, $0.digests) = (nil, nil) } == ["POL_EMPTY"])
        #expect(codes { ($0.files, $0.digests) = ([], []) } == ["POL_EMPTY"])
        #expect(codes { $0.exclude = ["/**"] } == ["POL_EMPTY"])
        #expect(codes { $0.violations = ["/*/**"] } == ["POL_EMPTY"])
    }

    @Test("RV-11: patterns that are regular expressions are POL_PATTERN, in every list")
    func rv11() {
        for pattern in ["(a+)+$", ".*", "/usr", "/" + String(repeating: "a", count: 10_240)] {
            #expect(codes { $0.exclude = [pattern] } == ["POL_PATTERN"])
            #expect(codes { $0.violations = ["/ok/*", pattern] } == ["POL_PATTERN"])
        }
        #expect(codes { $0.exclude = (0..<1024).map { "/a/\($0)" } } == [])
        #expect(codes { $0.exclude = (0..<1025).map { "/a/\($0)" } } == ["POL_PATTERN"])
    }

    @Test("IM-16: a rule that demands an entry is POL_PRESENCE_RULE, but for the boot aggregate")
    func im16() {
        #expect(codes { $0.mustContain = ["/usr/bin/agent"] } == ["POL_PRESENCE_RULE"])
        #expect(codes { $0.mustContain = ["boot_aggregate", ".ima"] } == ["POL_PRESENCE_RULE"])
        #expect(codes { $0.mustContain = ["boot_aggregate"] } == [])
        let text = String(decoding: (try? RuntimeFixture.set().encoded()) ?? [], as: UTF8.self)
        let unknown = text.replacing("\"minimumEntries\"", with: "\"required\" : [\"/bin/ls\"],\n\"minimumEntries\"")
        #expect(throws: ReferenceSetError.self) { try ReferenceSet(parsing: Array(unknown.utf8)) }
    }

    @Test("Lines, digests and counts of another form are POL_SCHEMA, and named by their place")
    func schema() {
        for line in [
            "/bin/ls", "\(digest)", "\(digest) ", "sha256:ab /bin/ls", "md5:\(String(repeating: "a", count: 32)) /x",
            "\(digest)  ".trimmingPrefix("") + "a\u{0}b", "verity:verity:\(digest) /x", "",
        ] {
            let problems = RuntimeFixture.set { $0.files?.append(line) }.lint()
            #expect(problems.map(\.code) == ["POL_SCHEMA"], "\(line)")
            #expect(problems.first?.path == "runtime.files[3]")
        }
        #expect(codes { $0.digests = ["\(digest) /x"] } == ["POL_SCHEMA"])
        #expect(codes { $0.policies = ["x"] } == ["POL_SCHEMA"])
        #expect(codes { $0.kexec = ["x"] } == ["POL_SCHEMA"])
        #expect(codes { $0.buffers = [digest] } == ["POL_SCHEMA"])
        for count in [-1, 0, 1, 1_000_001] { #expect(codes { $0.minimumEntries = count } == ["POL_SCHEMA"]) }
        for count in [2, 1_000_000] { #expect(codes { $0.minimumEntries = count } == []) }
        for name in [".ima", "kexec-cmdline", "kexec_load", "ima_policy_loaded", ""] {
            #expect(codes { $0.ignoredBuffers = [name] } == ["POL_SCHEMA"], "\(name)")
        }
        #expect(RuntimeFixture.set { $0.files = Array(repeating: "x", count: 100_000) }.lint().count == 16)
    }

    @Test("Signers need one readable certificate or sound key each")
    func signers() {
        let key = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
        for signer in [
            ReferenceSet.Runtime.Signer(name: "none"), .init(name: "bad", publicKey: key),
            .init(name: "both", certificate: key, publicKey: key), .init(name: "text", certificate: "hello"),
            .init(name: "", publicKey: key),
        ] {
            #expect(codes { $0.signers = [signer] } == ["POL_SCHEMA"], "\(signer.name)")
        }
    }

    @Test("The difference of two sections names paths, patterns and counts")
    func diff() {
        let after = RuntimeFixture.set {
            $0.files = ["\(digest) /bin/ls", "\(RuntimeFixture.digest("sh")) /bin/sh", "\(digest) /bin/new"]
            $0.digests = nil
            $0.exclude = ["/tmp/**"]
            $0.minimumEntries = 5
        }
        let changes = ReferenceDiff(from: RuntimeFixture.set(), to: after).changes
        #expect(
            changes.map(\.name) == [
                "minimumEntries", "/bin/ls", "/bin/new", "\(RuntimeFixture.digest("everywhere"))", "/tmp/**",
            ])
        #expect(changes.map(\.kind) == [.changed, .changed, .added, .removed, .added])
        #expect(changes[1].after == digest)
        #expect(ReferenceDiff(from: after, to: after).isEmpty)
    }

    private static func line(_ number: Int) -> String {
        let hex = String(number, radix: 16)
        let digest = String(repeating: "0", count: 64 - hex.count) + hex
        return "sha256:\(digest) /usr/\(number % 7)/" + String(repeating: "x", count: 45) + "\(number)"
    }

    @Test("RV-14: a policy of 100,000 files with paths of 60 bytes fits into one document")
    func documentSize() throws {
        let set = RuntimeFixture.set { $0.files = (0..<100_000).map(Self.line) }
        #expect(try set.encoded().count < StrictJSONLimits.document.maxBytes)
        #expect(100_000 < StrictJSONLimits.document.maxValues)
    }

    @Test("Digests and paths that differ in their last bytes only do not slow the tables down")
    func similar() throws {
        let set = RuntimeFixture.set { $0.files = (0..<5000).map(Self.line) }
        let start = ContinuousClock.now
        let compiled = try #require(try CompiledReferences(parsing: set.encoded()).runtime)
        #expect(compiled.pathCount == 5000)
        #expect(compiled.digestCount == 5001)
        #expect(ContinuousClock.now - start < .seconds(60))
    }
}
