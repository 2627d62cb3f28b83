import AssetFingerprints
import Testing

@Suite("Fingerprint baselines")
struct FingerprintBaselineTests {
    private func port(_ number: UInt16, process: String = "p", address: String = "127.0.0.1") -> ListeningPort {
        ListeningPort(
            protocol: .tcp, address: address, port: number, process: process, executable: "/x/\(process)", user: "u")
    }

    @Test("Differences name what was added, removed and changed")
    func differences() throws {
        let expected = FingerprintReport([port(1), port(2), port(3)])
        let seen = FingerprintReport([port(2), port(3, process: "q"), port(4)])
        let found = compare(seen, try FingerprintBaseline(report: expected, allow: [String]()))
        #expect(found.map(\.key) == ["tcp/127.0.0.1:1", "tcp/127.0.0.1:3", "tcp/127.0.0.1:4"])
        #expect(found.map(\.change) == [.removed, .changed, .added])
        #expect(found[0].seen.isEmpty && found[0].expected.count == 1)
        #expect(found[1].expected[0].contains("\"p\"") && found[1].seen[0].contains("\"q\""))
        #expect(found[2].expected.isEmpty && found[2].seen.count == 1)
        #expect(compare(expected, try FingerprintBaseline(report: expected, allow: [String]())).isEmpty)
    }

    @Test("Allow rules cover added, removed and changed entries of their keys only")
    func allowed() throws {
        let expected = FingerprintReport([port(1), port(2)])
        let seen = FingerprintReport([port(2, process: "q"), port(3), port(4, address: "10.0.0.1")])
        let baseline = try FingerprintBaseline(report: expected, allow: ["tcp/127.0.0.1:*"])
        #expect(compare(seen, baseline).map(\.key) == ["tcp/10.0.0.1:4"])
    }

    @Test("A report of another kind differs in everything")
    func otherKind() throws {
        let baseline = try FingerprintBaseline(report: FingerprintReport([port(1)]), allow: [String]())
        let seen = FingerprintReport([RunningProcess(executable: "/x", user: "u")])
        #expect(compare(seen, baseline).count == 2)
    }

    @Test("Documents come back from their bytes", arguments: FingerprintReportTests.reports)
    func documents(report: FingerprintReport) throws {
        let baseline = try FingerprintBaseline(report: report, allow: ["tcp/[::]:4?3", "user/svc-*"])
        #expect(try FingerprintBaseline(document: baseline.document, kind: report.kind) == baseline)
        for count in 0..<baseline.document.count - 1 {
            #expect(throws: FingerprintError.self) {
                try FingerprintBaseline(document: Array(baseline.document.prefix(count)), kind: report.kind)
            }
        }
    }

    @Test("An operator's document may have any order and blanks, but no unknown or misspelt member")
    func strict() throws {
        func read(_ text: String) throws -> FingerprintBaseline {
            try FingerprintBaseline(document: Array(text.utf8), kind: .softwareAssets)
        }
        let entry = "{\"version\":\"1\", \"name\":\"a\", \"architecture\":\"all\"}"
        #expect(
            try read("{ \"entries\":[\(entry)], \"version\":1, \"kind\":\"softwareAssets\" }").report.keyedLines.count
                == 1)
        #expect(throws: FingerprintError.self) {
            try read("{\"entries\":[],\"version\":1,\"kind\":\"softwareAssets\",\"alow\":[\"b\"]}")
        }
        #expect(throws: FingerprintError.self) {
            try read("{\"entries\":[{\"version\":\"1\",\"name\":\"a\"}],\"version\":1,\"kind\":\"softwareAssets\"}")
        }
        #expect(throws: FingerprintError.self) {
            try read("{\"entries\":[],\"version\":1,\"kind\":\"softwareAssets\",\"allow\":[\"(a+)+$\"]}")
        }
    }

    @Test("More rules than the limit are refused")
    func tooManyRules() throws {
        let report = FingerprintReport([port(1)])
        let limit = FingerprintBaseline.maxRules
        _ = try FingerprintBaseline(report: report, allow: (0..<limit).map { "a\($0)" })
        #expect(throws: FingerprintError.tooLarge(what: "allow rules", count: limit + 1, limit: limit)) {
            try FingerprintBaseline(report: report, allow: (0...limit).map { "a\($0)" })
        }
    }

    @Test(
        "Allow rules match whole keys",
        arguments: [
            ("a", "a", true), ("a", "aa", false), ("a*", "a", true), ("a*", "abc", true), ("*a", "bca", true),
            ("*a", "ab", false), ("a*c", "abbc", true), ("a*c", "abbcd", false), ("a?c", "abc", true),
            ("a?c", "ac", false), ("a**b", "ab", true), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxa", false),
            ("/usr", "/usr/bin/x as root", false), ("/usr/*", "/usr/bin/x as root", true), ("?a", "ba", true),
            ("tcp/[::]:443", "tcp/[::]:443", true), ("g++:amd64", "g++:amd64", true), ("a.c", "abc", false),
        ])
    func globs(pattern: String, key: String, expected: Bool) throws {
        #expect(try AllowRule(pattern).matches(key) == expected)
    }

    @Test("Patterns longer than a machine word match as short ones do")
    func longPatterns() throws {
        let text = String(repeating: "ab", count: 100)
        #expect(try AllowRule(text).matches(text))
        #expect(try !AllowRule(text).matches(text + "a"))
        #expect(try !AllowRule(text).matches(String(text.dropLast())))
        #expect(try AllowRule("*" + text + "*").matches("x" + text + text + "y"))
        for position in stride(from: 0, to: 200, by: 7) {
            let cut = text.index(text.startIndex, offsetBy: position)
            #expect(try AllowRule(text[..<cut] + "*" + text[cut...]).matches(text[..<cut] + "zzz" + text[cut...]))
        }
    }

    @Test(
        "RV-11: regular expressions, catch-alls and overlong patterns are refused",
        arguments: [
            "(a+)+$", ".*", "*", "**", "?", "", "^/usr", "[a-z]*", "a|b", "a\\d", "a{3}",
            String(repeating: "a", count: AllowRule.maxLength + 1), String(repeating: "a", count: 10_000),
        ])
    func refused(pattern: String) {
        #expect(throws: FingerprintError.self) { try AllowRule(pattern) }
    }

    @Test("RV-11: the worst pattern against a long key takes a bounded number of steps")
    func worstCase() throws {
        // A backtracking matcher would need more steps than there are atoms; this ends at all.
        let rule = try AllowRule(String(repeating: "*a", count: 127) + "*b")
        for _ in 0..<1_000 { #expect(!rule.matches(String(repeating: "a", count: 4_096))) }
    }
}
