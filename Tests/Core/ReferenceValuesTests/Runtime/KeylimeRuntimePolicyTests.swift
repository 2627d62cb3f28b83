import Crypto
import Foundation
import Testing

@testable import ReferenceValues

@Suite("Keylime's runtime policies")
struct KeylimeRuntimePolicyTests {
    private static let sha256 = String(repeating: "ab", count: 32)
    private static let sha1 = String(repeating: "cd", count: 20)

    private func policy(_ members: String) throws -> KeylimeRuntimePolicy {
        try KeylimeRuntimePolicy(
            parsing: Array(
                """
                {"meta": {"version": 1, "generator": 0, "timestamp": "2023-05-01T10:00:00.5"}, "release": 0, \(members)}
                """.utf8))
    }

    @Test("Digests by path, keyrings and buffers become lines; the boot aggregate is said to be ours")
    func lines() throws {
        let policy = try policy(
            """
            "digests": {"/usr/bin/ls": ["\(Self.sha256)", "\(Self.sha1)"], "boot_aggregate": ["\(Self.sha256)"], "/x": ["zz"]},
            "keyrings": {".ima": ["\(Self.sha256)"]}, "ima-buf": {"kernel_version": ["\(Self.sha256)"]},
            "excludes": [], "ima": {"ignored_keyrings": ["*"], "log_hash_alg": "sha1", "dm_policy": null},
            "verification-keys": ""
            """)
        #expect(policy.runtime.files == ["sha256:\(Self.sha256) /usr/bin/ls", "sha1:\(Self.sha1) /usr/bin/ls"])
        #expect(
            policy.runtime.buffers == ["sha256:\(Self.sha256) .ima", "sha256:\(Self.sha256) kernel_version"])
        #expect(policy.notCarriedOver.count == 3)
        for word in ["boot_aggregate", "\"/x\"", "ignored_keyrings"] {
            #expect(policy.notCarriedOver.contains { $0.contains(word) }, "\(word)")
        }
    }

    @Test(
        "An exclusion is carried over where a pattern means the same",
        arguments: [
            ("/tmp/.*", ["/tmp/**"]), ("^/tmp/", ["/tmp/**"]), ("/var/log", ["/var/log*", "/var/log*/**"]),
            ("/etc/mtab$", ["/etc/mtab"]), ("/a\\.b/c$", ["/a.b/c"]), ("/run/[^/]*/x$", ["/run/*/x"]),
            ("/opt/app.*", ["/opt/app*", "/opt/app*/**"]),
        ])
    func exclusions(_ expression: String, _ globs: [String]) throws {
        #expect(ExcludeTranslation.globs(expression) == globs)
    }

    @Test(
        "An exclusion that no pattern says exactly is left out, and said",
        arguments: [
            "(a+)+$", ".*", "/usr$", "/tmp/(a|b)", "/tmp/a+", "/tmp/[ab]", "/a.b/c", "/x/.*/y", "tmp", "/a/\\d", "/a*",
            "",
            "/a/b?", "/a/[^/]*x[^/]*", "/", "/.*", "/a/\\*", "/a/\\?x$",
        ])
    func untranslatable(_ expression: String) throws {
        #expect(ExcludeTranslation.globs(expression) == nil)
    }

    @Test("A translated exclusion stands for the paths that Keylime's matching from the beginning stands for")
    func sameMeaning() throws {
        let paths = [
            "/tmp/a", "/tmp/a/b", "/tmpx", "/tmpx/y", "/var/log", "/var/logs/a", "/var/log/a", "/etc/mtab",
            "/etc/mtabx", "/run/1/x", "/run/1/2/x", "/run//x",
        ]
        for expression in ["/tmp/.*", "/var/log", "/etc/mtab$", "/run/[^/]*/x$", "^/tmp/"] {
            let globs = try #require(ExcludeTranslation.globs(expression)).map { try PathGlob($0) }
            let regex = try NSRegularExpression(pattern: expression)
            for path in paths where !path.contains("//") {
                let whole = NSRange(location: 0, length: path.utf16.count)
                let matched = regex.firstMatch(in: path, options: .anchored, range: whole) != nil
                #expect(globs.contains { $0.matches(Array(path.utf8)) } == matched, "\(expression) \(path)")
            }
        }
    }

    @Test("Verification keys become signers, known by their own key ids only")
    func keys() throws {
        let key = P256.Signing.PrivateKey().publicKey
        let text = Data(key.derRepresentation).base64EncodedString()
        func keys(_ id: String) throws -> KeylimeRuntimePolicy {
            try policy(
                #""digests": {}, "verification-keys": "{\"pubkeys\": [\"\#(text)\", \"AAAA\"], \"keyids\": [\#(id), 7]}""#
            )
        }
        let id = Insecure.SHA1.hash(data: key.x963Representation).suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let good = try keys("\(id)")
        #expect(good.runtime.signers?.count == 1)
        #expect(good.notCarriedOver.count == 1)
        #expect(try keys("1").runtime.signers == nil)
    }

    @Test("What is no such policy is refused")
    func malformed() {
        for text in [
            "", "[]", "{\"digests\": []}", "{\"digests\": {\"/a\": \"x\"}}", "{\"digests\": {}, \"digests\": {}}",
        ] {
            #expect(throws: (any Error).self, "\(text)") { try KeylimeRuntimePolicy(parsing: Array(text.utf8)) }
        }
    }
}
