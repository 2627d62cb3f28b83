import ReferenceValues
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@Suite("Metadata signatures (EVM, portable)")
struct MetadataSignatureTests {
    typealias V = SignatureVectors
    static func file() throws -> FileDigest { FileDigest(MessageDigest.hash(try V.bytes("program"), .sha256)) }

    /// As the kernel lists the file that `evmctl` signed: owner 1000, group 1001, mode 04755.
    struct Signed {
        var evm: [UInt8]
        var attributes: [(name: String, value: [UInt8])]
        var owner: UInt32 = 1000
        var group: UInt32 = 1001
        var mode: UInt16 = 0o104755

        init(_ name: String) throws {
            evm = try V.bytes("\(name).evm")
            attributes = try ["selinux", "ima", "capability"].map { ("security.\($0)", try V.bytes("\(name).\($0)")) }
        }

        var signature: RuntimeSignature {
            .metadata(
                evm,
                FileMetadata(
                    names: Array(attributes.map(\.name).joined(separator: "|").utf8) + [0],
                    lengths: attributes.flatMap { [UInt8($0.value.count & 0xFF), UInt8($0.value.count >> 8), 0, 0] },
                    values: attributes.flatMap(\.value), owner: owner, group: group, mode: mode, isBigEndian: false))
        }
    }

    private func judged(
        _ rules: CompiledRuntime, _ signed: Signed, _ digest: FileDigest? = nil
    ) throws -> RuntimeVerdict {
        V.judged(rules, try digest ?? Self.file(), [signed.signature])
    }
    private func change(_ name: String = "evm-rsa", _ change: (inout Signed) throws -> Void) throws -> Signed {
        var signed = try Signed(name)
        try change(&signed)
        return signed
    }

    @Test("IM-15: metadata that evmctl signed, over the file's digest or its signature, is its signer's")
    func accepted() throws {
        let rules = try V.rules([V.signer("other"), V.signer("rsa"), V.signer("ec")])
        for (name, signer) in [("evm-rsa", 1), ("evm-ec", 2), ("evm-signed", 2)] {
            #expect(try judged(rules, Signed(name)) == .signed(signer: signer), "\(name)")
        }
    }

    @Test("IM-15: another file, another key, and metadata that changed in anything are refused")
    func refused() throws {
        let rules = try V.rules([V.signer("rsa"), V.signer("ec")])
        let other = FileDigest(MessageDigest.hash([1], .sha256))
        #expect(V.refusal(try judged(rules, Signed("evm-rsa"), other)) == .metadata("security.ima is of other content"))
        #expect(V.refusal(try judged(rules, Signed("evm-signed"), other)) == .wrongSignature(signer: "ec"))
        #expect(
            V.refusal(try judged(rules, Signed("evm-signed"), FileDigest(Self.file().digest, isVerity: true)))
                == .otherKind)
        guard case .unknownKey = V.refusal(try judged(V.rules([V.signer("other")]), Signed("evm-rsa"))) else {
            Issue.record("an unknown key is taken")
            return
        }
        let changes: [(inout Signed) throws -> Void] = [
            { $0.owner = 0 }, { $0.group = 0 }, { $0.mode = 0o100755 },
            { $0.attributes[0].value[0] ^= 1 }, { $0.attributes[2].value[4] ^= 1 }, { $0.attributes.remove(at: 2) },
            { $0.attributes.remove(at: 0) }, { $0.attributes.swapAt(0, 2) },
            { $0.attributes.append(("security.apparmor", [0])) },
            { $0.attributes[1].value = [4, 4] + MessageDigest.hash([1], .sha256).bytes },
            { $0.evm[$0.evm.count - 1] ^= 1 },
        ]
        for (number, change) in changes.enumerated() {
            #expect(
                V.refusal(try judged(rules, self.change("evm-rsa", change))) == .wrongSignature(signer: "rsa"),
                "change \(number)")
        }
    }

    @Test("IM-15: without security.ima, or with one that says nothing of the content, metadata signs nothing")
    func content() throws {
        let rules = try V.rules([V.signer("rsa"), V.signer("ec")])
        func isMetadata(_ signed: Signed, _ digest: FileDigest? = nil) throws -> Bool {
            if case .metadata = V.refusal(try judged(rules, signed, digest)) { true } else { false }
        }
        // The values are those that were signed: only names and lengths say where security.ima is.
        #expect(try isMetadata(change { $0.attributes[1].name = "security.other" }))
        #expect(try isMetadata(change { $0.attributes[1].name = "security.ima2" }))
        #expect(
            try isMetadata(
                change { ($0.attributes[0].name, $0.attributes[1].name) = ("security.ima", "security.selinux") }))
        #expect(try isMetadata(change { $0.attributes[0].name = "security.ima" }))
        #expect(
            try isMetadata(
                change {
                    // Cut elsewhere: one byte of the digest goes to the next attribute.
                    $0.attributes[2].value.insert($0.attributes[1].value.removeLast(), at: 0)
                }))
        #expect(try isMetadata(change { $0.attributes[1].value = [] }))
        #expect(try isMetadata(change { $0.attributes[1].value = [1] + MessageDigest.hash([1], .sha1).bytes }))
        #expect(try isMetadata(change { $0.attributes[1].value[1] = 2 }))
        #expect(try isMetadata(Signed("evm-rsa"), FileDigest(Self.file().digest, isVerity: true)))
        let good = try Signed("evm-rsa")
        guard case .metadata(let evm, let metadata) = good.signature else { return }
        let changes: [(inout FileMetadata) -> Void] = [
            { $0.names = [] }, { $0.names.removeLast() }, { $0.names[3] = 0 }, { $0.lengths.removeLast() },
            { $0.lengths += [0, 0, 0, 0] }, { $0.lengths[0] += 1 }, { $0.lengths[0] -= 1 }, { $0.lengths[3] = 0xFF },
            { $0.lengths = .init(repeating: 0, count: 12) }, { $0.lengths = .init(repeating: 0xFF, count: 12) },
            { $0.isBigEndian = true },
            {
                $0.names =
                    Array((0...FileMetadata.maximumAttributes).map { "a\($0)" }.joined(separator: "|").utf8) + [0]
                $0.lengths = .init(repeating: 0, count: 4 * (FileMetadata.maximumAttributes + 1))
            },
        ]
        for (number, change) in changes.enumerated() {
            var metadata = metadata
            change(&metadata)
            let verdict = V.judged(rules, try Self.file(), [.metadata(evm, metadata)])
            guard case .metadata = V.refusal(verdict) else {
                Issue.record("change \(number): \(verdict)")
                continue
            }
        }
    }

    @Test("IM-15: a signature inside security.ima must be good by itself, and its signer is the one who speaks")
    func inner() throws {
        let signed = try Signed("evm-two")
        #expect(try judged(V.rules([V.signer("ec"), V.signer("other")]), signed) == .signed(signer: 1))
        for signers in [["ec"], ["other"]] {
            guard case .unknownKey = V.refusal(try judged(V.rules(signers.map { try V.signer($0) }), signed)) else {
                Issue.record("\(signers) alone will do")
                continue
            }
        }
        // The inner signer may not sign here, and the outer one does not stand in.
        let rules = try V.rules([V.signer("ec"), V.signer("other", paths: ["/usr/**"])])
        #expect(V.refusal(try judged(rules, signed)) == .path(signer: "other"))
    }

    @Test("IM-15: truncated, of another type or version, or over SHA-1, a metadata signature is refused")
    func bytes() throws {
        let rules = try V.rules([V.signer("rsa")])
        let good = try Signed("evm-rsa")
        for count in 0..<good.evm.count {
            guard case .malformed = V.refusal(try judged(rules, change { $0.evm = Array(good.evm.prefix(count)) }))
            else {
                Issue.record("\(count) bytes are taken")
                continue
            }
        }
        guard case .malformed = V.refusal(try judged(rules, change { $0.evm.append(0) })) else {
            Issue.record("a trailing byte is taken")
            return
        }
        #expect(V.refusal(try judged(rules, change { $0.evm[0] = 3 })) == .otherKind)
        #expect(V.refusal(try judged(rules, change { $0.evm[1] = 3 })) == .version(3))
        #expect(V.refusal(try judged(rules, change { $0.evm[2] = 2 })) == .algorithm(2))
        #expect(V.refusal(try judged(rules, change { $0.evm[2] = 5 })) == .wrongSignature(signer: "rsa"))
    }

    @Test("IM-15: a metadata signature in field sig, where nothing shows what it covers, is nobody's")
    func alone() throws {
        let rules = try V.rules([V.signer("rsa")])
        let verdict = V.judged(rules, try Self.file(), [.attribute(try V.bytes("evm-rsa.evm"))])
        #expect(V.refusal(verdict) == .withoutMetadata)
    }

    @Test("IM-15: a signer who may not sign for the path, and a denied digest, beat a good metadata signature")
    func pathsAndDenied() throws {
        let signed = try Signed("evm-rsa")
        #expect(V.refusal(try judged(V.rules([V.signer("rsa", paths: ["/usr/**"])]), signed)) == .path(signer: "rsa"))
        let denied = try V.rules([V.signer("rsa")], denied: [Self.file()])
        #expect(try judged(denied, signed) == .refused(.denied(Self.file().digest)))
    }
}
