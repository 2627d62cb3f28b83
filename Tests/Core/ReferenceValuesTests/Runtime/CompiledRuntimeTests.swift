import AttestationTestKit
import ReferenceValues
import TPMCryptography
import TPMStructures
import Testing

@Suite("Rules over measured files")
struct CompiledRuntimeTests {
    typealias F = RuntimeFixture

    @Test("IM-01: a path with one of its contents, and a content that may lie anywhere, are allowed; nothing else is")
    func im01() throws {
        let rules = try F.compiled()
        #expect(rules.verdict(F.file("/bin/ls", "ls")) == .listed)
        #expect(rules.verdict(F.file("/bin/ls", "ls 2")) == .listed)
        #expect(rules.verdict(F.file("/opt/x", "everywhere")) == .listed)
        #expect(rules.verdict(F.file("/bin/sh", "everywhere")) == .listed)
        #expect(rules.verdict(F.file("/root/evil", "evil")) == .refused(.unknown))
        #expect(rules.verdict(F.file("/root/ls", "ls")) == .refused(.unknown))
        #expect(
            rules.verdict(F.file("/bin/ls", "evil"))
                == .refused(.digest(expected: [F.digest("ls"), F.digest("ls 2")])))
        #expect(rules.verdict(F.file("/bin/sh", "ls")) == .refused(.digest(expected: [F.digest("sh")])))
    }

    @Test(
        "RV-12: another spelling of a path is another path",
        arguments: [
            "/bin//ls", "/bin/./ls", "/bin/../bin/ls", "/BIN/ls", "/bin/ls ", "/bin/ls\n", "bin/ls", "/bin/ls/",
            "//bin/ls",
            "/bin/ls\u{0}",
        ])
    func rv12(_ path: String) throws {
        let rules = try F.compiled { $0.exclude = ["/tmp/**"] }
        #expect(rules.verdict(F.file(path, "ls")) == .refused(.unknown))
    }

    @Test("RV-12: a path in another Unicode form, and one that is no UTF-8, are other paths")
    func rv12Unicode() throws {
        let rules = try F.compiled { $0.files = ["\(F.digest("x")) /caf\u{E9}"] }
        #expect(rules.verdict(F.file("/caf\u{E9}", "x")) == .listed)
        #expect(rules.verdict(F.file("/cafe\u{301}", "x")) == .refused(.unknown))
        let latin = RuntimeEntry(path: [0x2F, 0x63, 0x61, 0x66, 0xE9], content: .file(F.digest("x")))
        #expect(rules.verdict(latin) == .refused(.unknown))
    }

    @Test("IM-14: a digest of another algorithm, also one that begins a reference, is an algorithm's matter")
    func im14() throws {
        let rules = try F.compiled()
        let prefix = try #require(Digest(algorithm: .sha1, bytes: Array(F.digest("sh").digest.bytes.prefix(20))))
        func entry(_ path: String) -> RuntimeEntry {
            RuntimeEntry(path: Array(path.utf8), content: .file(FileDigest(prefix)))
        }
        #expect(rules.verdict(entry("/bin/sh")) == .refused(.algorithm(expected: [F.digest("sh")])))
        #expect(rules.verdict(entry("/root/evil")) == .refused(.algorithm(expected: [])))
        #expect(
            rules.verdict(F.file("/bin/ls", "ls", .sha1))
                == .refused(.algorithm(expected: [F.digest("ls"), F.digest("ls 2")])))
        #expect(rules.verdict(F.file("/bin/ls", "ls", .sha512)) != .listed)
        // fs-verity's digest is not the file's, even where the bytes agree.
        let verity = FileDigest(F.digest("ls").digest, isVerity: true)
        let measured = RuntimeEntry(path: Array("/bin/ls".utf8), content: .file(verity))
        #expect(rules.verdict(measured) == .refused(.algorithm(expected: [F.digest("ls"), F.digest("ls 2")])))
        let unknown = RuntimeEntry(path: Array("/bin/ls".utf8), content: .unknownAlgorithm("md5:00"))
        #expect(rules.verdict(unknown) == .refused(.algorithm(expected: [F.digest("ls"), F.digest("ls 2")])))
    }

    @Test("EL-20: the deny-list beats path, digest and exclusion, in every kind of entry")
    func el20() throws {
        let bad = F.digest("ls")
        let rules = try F.compiled(denied: [bad, F.digest("everywhere"), F.digest("key")]) {
            $0.exclude = ["/tmp/**"]
            $0.buffers = ["\(F.digest("key")) .ima"]
            $0.digests = ["\(F.digest("everywhere"))", "verity:\(bad)"]
        }
        #expect(rules.verdict(F.file("/bin/ls", "ls")) == .refused(.denied(bad.digest)))
        #expect(rules.verdict(F.file("/tmp/ls", "ls")) == .refused(.denied(bad.digest)))
        #expect(rules.verdict(F.file("/x", "everywhere")) == .refused(.denied(F.digest("everywhere").digest)))
        #expect(rules.verdict(F.buffer(".ima", "key")) == .refused(.denied(F.digest("key").digest)))
        let verity = RuntimeEntry(path: [0x2F], content: .file(FileDigest(bad.digest, isVerity: true)))
        #expect(rules.verdict(verity) == .refused(.denied(bad.digest)))
        #expect(rules.verdict(F.file("/bin/ls", "ls 2")) == .listed)
    }

    @Test("IM-02: a violation stands only where its path is exempt")
    func im02() throws {
        let rules = try F.compiled {
            $0.violations = ["/var/log/**"]
            $0.exclude = ["/tmp/**"]
        }
        func violation(_ path: String) -> RuntimeVerdict {
            rules.verdict(RuntimeEntry(path: Array(path.utf8), content: .violation))
        }
        #expect(violation("/bin/ls") == .refused(.violation))
        #expect(violation("/var/log/../../bin/ls") == .refused(.violation))
        #expect(violation("/var/log/syslog") == .excluded)
        #expect(violation("/tmp/x") == .excluded)
        #expect(rules.verdict(F.file("/var/log/syslog", "evil")) == .refused(.unknown))
    }

    @Test("IM-12: a policy is loaded only by its own digest, whatever else allows its file")
    func im12() throws {
        let rules = try F.compiled {
            $0.policies = ["\(F.digest("policy"))"]
            $0.digests = ["\(F.digest("everywhere"))"]
            $0.exclude = ["/etc/ima/**"]
        }
        #expect(rules.verdict(F.file("/etc/ima/ima-policy", "policy")) == .listed)
        #expect(rules.verdict(F.file("/etc/ima/ima-policy", "weak")) == .refused(.policy))
        #expect(rules.verdict(F.file("/etc/ima/ima-policy", "everywhere")) == .refused(.policy))
        #expect(rules.verdict(F.file("/etc/ima/ima-policy-systemd", "weak")) == .refused(.policy))
        #expect(rules.verdict(F.buffer("ima_policy_loaded", "weak")) == .refused(.policy))
        #expect(rules.verdict(F.buffer("ima_policy_loaded", "policy")) == .listed)
        #expect(rules.verdict(F.file("/etc/other", "policy")) == .refused(.unknown))
    }

    @Test("IM-11: a kexec command line is allowed only by its own digest")
    func im11() throws {
        let rules = try F.compiled { $0.kexec = ["\(F.digest("root=/dev/sda1"))"] }
        #expect(rules.verdict(F.buffer("kexec-cmdline", "root=/dev/sda1")) == .listed)
        #expect(rules.verdict(F.buffer("kexec-cmdline", "root=/dev/sda1 init=/evil")) == .refused(.kexec))
        #expect(rules.verdict(F.buffer("kexec_execute", "now")) == .refused(.kexec))
        #expect(rules.verdict(F.file("/boot/x", "root=/dev/sda1")) == .refused(.unknown))
    }

    @Test("Keys and critical data are allowed by name and digest; only named critical data may be ignored")
    func buffers() throws {
        let rules = try F.compiled {
            $0.buffers = ["\(F.digest("key")) .ima", "\(F.digest("6.1")) kernel_version"]
            $0.ignoredBuffers = ["dm_table_load"]
        }
        #expect(rules.verdict(F.buffer(".ima", "key")) == .listed)
        #expect(rules.verdict(F.buffer(".ima", "other key")) == .refused(.unknown))
        #expect(rules.verdict(F.buffer(".evm", "key")) == .refused(.unknown))
        #expect(rules.verdict(F.buffer("kernel_version", "6.1")) == .listed)
        #expect(rules.verdict(F.buffer("dm_table_load", "anything")) == .excluded)
        // A rule about buffers says nothing about files, and the other way round.
        #expect(rules.verdict(F.file("kernel_version", "6.1")) == .refused(.unknown))
        #expect(rules.verdict(F.buffer("/bin/ls", "ls")) == .refused(.unknown))
        #expect(rules.verdict(F.file("dm_table_load", "anything")) == .refused(.unknown))
    }

    @Test("An excluded path is not judged, a listed one beside it is")
    func exclusion() throws {
        let rules = try F.compiled { $0.exclude = ["/tmp/**", "/bin/s?"] }
        #expect(rules.verdict(F.file("/tmp/a/b", "evil")) == .excluded)
        #expect(rules.verdict(F.file("/bin/sh", "evil")) == .excluded)
        #expect(rules.verdict(F.file("/bin/ls", "evil")) != .excluded)
    }

    @Test("The tables agree with plain dictionaries on 3,000 random lines")
    func tables() throws {
        var generator = SeededGenerator(seed: 3)
        var lines: [String] = []
        var expected: [String: Set<FileDigest>] = [:]
        for _ in 0..<3000 {
            let path = "/\(Int.random(in: 0..<900, using: &generator))/x"
            let algorithm =
                [HashAlgorithm.sha1, .sha256, .sha384, .sha512, .sm3].randomElement(using: &generator) ?? .sha256
            let digest = FileDigest(
                MessageDigest.hash([UInt8.random(in: 0...255, using: &generator)], algorithm),
                isVerity: Bool.random(using: &generator))
            lines.append("\(digest) \(path)")
            expected[path, default: []].insert(digest)
        }
        let rules = try F.compiled {
            $0.files = lines
            $0.digests = nil
        }
        #expect(rules.pathCount == expected.count)
        for number in 0..<1000 {
            let path = "/\(number)/x"
            for byte in [UInt8(number % 256), 7] {
                for algorithm in HashAlgorithm.allCases {
                    let digest = FileDigest(MessageDigest.hash([byte], algorithm), isVerity: number % 2 == 0)
                    let verdict = rules.verdict(
                        RuntimeEntry(path: Array(path.utf8), content: .file(digest)))
                    #expect((verdict == .listed) == (expected[path]?.contains(digest) ?? false))
                }
            }
        }
    }
}
