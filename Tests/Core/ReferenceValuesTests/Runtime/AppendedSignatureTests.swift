import ByteParsing
import ReferenceValues
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

/// What `sign-file`, `openssl cms` and `evmctl` made; see PROVENANCE.md of the test vectors.
enum SignatureVectors {
    static func bytes(_ name: String) throws -> [UInt8] { try TestVectors.bytes("file-signatures/\(name)") }
    static func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    static func rules(
        _ signers: [ReferenceSet.Runtime.Signer], denied: [FileDigest] = []
    ) throws -> CompiledRuntime {
        try RuntimeFixture.compiled(denied: denied) {
            ($0.files, $0.digests) = (nil, nil)
            $0.signers = signers
        }
    }
    static func signer(_ name: String, paths: [String]? = nil) throws -> ReferenceSet.Runtime.Signer {
        .init(name: name, certificate: try text("\(name).pem"), paths: paths)
    }
    static func bare(_ name: String) throws -> ReferenceSet.Runtime.Signer {
        .init(name: name, publicKey: try text("\(name).pub"))
    }

    static func judged(_ rules: CompiledRuntime, _ digest: FileDigest, _ made: [RuntimeSignature]) -> RuntimeVerdict {
        rules.verdict(RuntimeEntry(path: Array("/opt/x".utf8), content: .file(digest, signatures: made)))
    }
    static func refusal(_ verdict: RuntimeVerdict) -> IMAFileSignature.Refusal? {
        if case .refused(.signature(let refusal)) = verdict { refusal } else { nil }
    }
}

@Suite("Appended signatures (modsig)")
struct AppendedSignatureTests {
    typealias V = SignatureVectors
    /// The file with its signature, as d-ng has it.
    static func file() throws -> FileDigest { FileDigest(MessageDigest.hash(try V.bytes("module.signed"), .sha256)) }
    static func content(_ algorithm: HashAlgorithm = .sha256) throws -> Digest {
        MessageDigest.hash(try V.bytes("module"), algorithm)
    }
    private func judged(
        _ rules: CompiledRuntime, _ message: [UInt8], over content: Digest? = nil
    ) throws -> RuntimeVerdict {
        V.judged(rules, try Self.file(), [.appended(message, content: try content ?? Self.content())])
    }

    @Test("IM-15: a file signed by sign-file or OpenSSL is its signer's, by certificate and by bare key")
    func accepted() throws {
        for rules in [
            try V.rules([V.signer("other"), V.signer("rsa"), V.signer("ec")]),
            try V.rules([V.bare("other"), V.bare("rsa"), V.bare("ec")]),
        ] {
            for (file, signer) in [
                ("sign-file.p7s", 1), ("bare.p7s", 1), ("attributes.p7s", 1), ("sign-file-ec.p7s", 2),
            ] {
                #expect(try judged(rules, V.bytes(file)) == .signed(signer: signer), "\(file)")
            }
            #expect(try judged(rules, V.bytes("keyid-ec.p7s"), over: Self.content(.sha384)) == .signed(signer: 2))
        }
    }

    @Test("IM-15: what sign-file appends is what was signed, and the digest without it what d-modsig has")
    func appended() throws {
        let module = try V.bytes("module")
        let signed = try V.bytes("module.signed")
        let message = try V.bytes("sign-file.p7s")
        #expect(Array(signed.prefix(module.count + message.count)) == module + message)
    }

    @Test(
        "IM-15: another key, another content, another algorithm and a bare digest of the attributes' kind are refused")
    func refused() throws {
        let rsa = try V.rules([V.signer("rsa")])
        let other = try V.rules([V.signer("other")])
        #expect(V.refusal(try judged(other, V.bytes("sign-file.p7s"))) == .unknownSigner)
        #expect(
            V.refusal(try judged(V.rules([V.bare("other")]), V.bytes("sign-file.p7s")))
                == .wrongSignature(signer: "other"))
        #expect(V.refusal(try judged(rsa, V.bytes("other.p7s"))) == .unknownSigner)
        let altered = MessageDigest.hash([1], .sha256)
        #expect(V.refusal(try judged(rsa, V.bytes("sign-file.p7s"), over: altered)) == .wrongSignature(signer: "rsa"))
        #expect(V.refusal(try judged(rsa, V.bytes("attributes.p7s"), over: altered)) == .otherContent)
        #expect(
            V.refusal(try judged(rsa, V.bytes("sign-file.p7s"), over: Self.content(.sha384)))
                == .otherAlgorithm(signed: .sha256, measured: .sha384))
        // The digest of the whole file, signature and all, is not what was signed.
        #expect(
            V.refusal(try judged(rsa, V.bytes("sign-file.p7s"), over: Self.file().digest))
                == .wrongSignature(signer: "rsa"))
        for file in ["two.p7s", "attached.p7s", "sha1.p7s", "pss.p7s"] {
            guard case .malformed = V.refusal(try judged(rsa, V.bytes(file))) else {
                Issue.record("\(file) is taken")
                continue
            }
        }
    }

    @Test("IM-15: no truncated or longer message is anybody's signature")
    func truncated() throws {
        let rules = try V.rules([V.signer("rsa")])
        let message = try V.bytes("sign-file.p7s")
        for bytes in (0..<message.count).map({ Array(message.prefix($0)) }) + [message + [0]] {
            guard case .malformed = V.refusal(try judged(rules, bytes)) else {
                Issue.record("\(bytes.count) bytes are taken")
                continue
            }
        }
    }

    @Test(
        "IM-15: a signer who may not sign for the path, and a denied digest, are refused before and behind a good signature"
    )
    func pathsAndDenied() throws {
        let message = try V.bytes("sign-file.p7s")
        #expect(
            V.refusal(try judged(V.rules([V.signer("rsa", paths: ["/lib/modules/**"])]), message))
                == .path(signer: "rsa"))
        let denied = try V.rules([V.signer("rsa")], denied: [Self.file()])
        #expect(try judged(denied, message) == .refused(.denied(Self.file().digest)))
        // The content is on the deny-list whatever signature is appended to it.
        let content = try V.rules([V.signer("rsa")], denied: [FileDigest(Self.content())])
        #expect(try judged(content, message) == .refused(.denied(Self.content())))
    }

    @Test("One good signature of two will do, whichever comes first; of two bad ones the first tells why")
    func two() throws {
        let rules = try V.rules([V.signer("rsa")])
        let good = RuntimeSignature.appended(try V.bytes("sign-file.p7s"), content: try Self.content())
        let bad = RuntimeSignature.attribute([3, 2, 4])
        for made in [[good, bad], [bad, good]] { #expect(V.judged(rules, try Self.file(), made) == .signed(signer: 0)) }
        let worse = RuntimeSignature.attribute([3, 1])
        #expect(V.refusal(V.judged(rules, try Self.file(), [worse, bad])) == .version(1))
    }

    @Test("Signatures that differ in anything have other identities")
    func identities() throws {
        let metadata = FileMetadata(
            names: [1], lengths: [2], values: [3], owner: 4, group: 5, mode: 6, isBigEndian: false)
        func changed(_ change: (inout FileMetadata) -> Void) -> RuntimeSignature {
            var metadata = metadata
            change(&metadata)
            return .metadata([1], metadata)
        }
        let all: [RuntimeSignature] = [
            .attribute([1]), .attribute([1, 1]), .appended([1], content: try Self.content()),
            .appended([1], content: try Self.content(.sha384)), .appended([2], content: try Self.content()),
            .metadata([2], metadata), changed { _ in }, changed { $0.names = [1, 2] }, changed { $0.lengths = [] },
            changed { $0.values = [2, 3] }, changed { $0.owner = 5 }, changed { $0.group = 4 }, changed { $0.mode = 4 },
            changed { $0.isBigEndian = true },
        ]
        #expect(Set(all.map(\.identity)).count == all.count)
    }
}
