import Crypto
import CryptoExtras
import Foundation
import ReferenceValues
import SwiftASN1
import TPMCryptography
import TPMStructures
import Testing
import X509

@Suite("File signatures")
struct FileSignatureTests {
    typealias F = RuntimeFixture
    static let content = "signed program"
    static let epoch = Date(timeIntervalSince1970: 1_700_000_000)

    /// One key with what signs by it.
    struct Key: Sendable {
        var name: String
        var spki: [UInt8]
        var certificate: String
        /// A raw signature over the SHA-256 of the message.
        var sign: @Sendable ([UInt8]) throws -> [UInt8]
        var id: [UInt8] { ((try? SubjectPublicKey(spki: spki))?.keyIdentifier ?? []).suffix(4) }
        var pem: String { (try? SubjectPublicKey(spki: spki))?.pem ?? "" }
    }

    static func keys() throws -> [Key] {
        let p256 = P256.Signing.PrivateKey()
        let p384 = P384.Signing.PrivateKey()
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        return [
            Key(
                name: "P-256", spki: Array(p256.publicKey.derRepresentation), certificate: try certificate(.init(p256)),
                sign: { Array(try p256.signature(for: SHA256.hash(data: $0)).derRepresentation) }),
            Key(
                name: "P-384", spki: Array(p384.publicKey.derRepresentation), certificate: try certificate(.init(p384)),
                sign: { Array(try p384.signature(for: SHA256.hash(data: $0)).derRepresentation) }),
            Key(
                name: "RSA", spki: Array(rsa.publicKey.derRepresentation), certificate: try certificate(.init(rsa)),
                sign: {
                    Array(try rsa.signature(for: SHA256.hash(data: $0), padding: .insecurePKCS1v1_5).rawRepresentation)
                }),
        ]
    }

    static func certificate(_ key: Certificate.PrivateKey, identifier: [UInt8]? = nil) throws -> String {
        let subject = try DistinguishedName { CommonName("IMA signer") }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey, notValidBefore: epoch,
            notValidAfter: epoch.addingTimeInterval(86_400), issuer: subject, subject: subject,
            extensions: Certificate.Extensions {
                if let identifier { SubjectKeyIdentifier(keyIdentifier: identifier[...]) }
            }, issuerPrivateKey: key)
        return try certificate.serializeAsPEM().pemString
    }

    static func field(
        _ signature: [UInt8], id: [UInt8], type: UInt8 = 3, version: UInt8 = 2, hash: UInt8 = 4, size: Int? = nil
    ) -> [UInt8] {
        let size = size ?? signature.count
        return [type, version, hash] + id + [UInt8(size >> 8), UInt8(size & 0xFF)] + signature
    }

    private func rules(_ keys: [Key], denied: [FileDigest] = [], paths: [String]? = nil) throws -> CompiledRuntime {
        try F.compiled(denied: denied) {
            ($0.files, $0.digests) = (nil, nil)
            $0.signers = keys.map { .init(name: $0.name, publicKey: $0.pem, paths: paths) }
        }
    }

    private func judged(_ rules: CompiledRuntime, _ field: [UInt8], _ path: String = "/opt/program") -> RuntimeVerdict {
        rules.verdict(F.file(path, Self.content, signature: field))
    }

    @Test("A file signed by RSA, P-256 or P-384, by version 2 or 3, is its signer's")
    func accepted() throws {
        let keys = try Self.keys()
        let rules = try rules(keys)
        for (number, key) in keys.enumerated() {
            let message = Array(Self.content.utf8)
            #expect(judged(rules, Self.field(try key.sign(message), id: key.id)) == .signed(signer: number))
            let digest = F.digest(Self.content)
            for (type, isVerity) in [(UInt8(3), false), (6, true)] {
                let signature = try key.sign([type, 4] + digest.digest.bytes)
                let entry = RuntimeEntry(
                    path: Array("/opt/x".utf8),
                    content: .file(
                        FileDigest(digest.digest, isVerity: isVerity),
                        signatures: [.attribute(Self.field(signature, id: key.id, type: type, version: 3))]))
                #expect(rules.verdict(entry) == .signed(signer: number), "\(key.name) \(type)")
            }
        }
    }

    @Test("IM-15: other key, other file, version 1, other hash and lying kind are refused")
    func im15() throws {
        let keys = try Self.keys()
        for key in keys {
            let rules = try rules([key])
            let good = try key.sign(Array(Self.content.utf8))
            let other = try Self.keys().first { $0.name == key.name }
            let stranger = try #require(other)
            let strange = try stranger.sign(Array(Self.content.utf8))
            func refusal(_ field: [UInt8]) -> IMAFileSignature.Refusal? {
                guard case .refused(.signature(let refusal)) = judged(rules, field) else { return nil }
                return refusal
            }
            let strangeID = stranger.id.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            #expect(refusal(Self.field(strange, id: stranger.id)) == .unknownKey(strangeID))
            #expect(refusal(Self.field(strange, id: key.id)) == .wrongSignature(signer: key.name))
            let elsewhere = try key.sign(Array("another file".utf8))
            #expect(refusal(Self.field(elsewhere, id: key.id)) == .wrongSignature(signer: key.name))
            #expect(refusal(Self.field(good, id: key.id, version: 1)) == .version(1))
            #expect(refusal(Self.field(good, id: key.id, type: 6)) == .version(2))
            // Signed is the digest itself, not the file's identity, and the other way round.
            #expect(refusal(Self.field(good, id: key.id, version: 3)) == .wrongSignature(signer: key.name))
            #expect(refusal(Self.field(good, id: key.id, hash: 2)) == .algorithm(2))
            #expect(refusal(Self.field(good, id: key.id, hash: 0xFF)) == .algorithm(0xFF))
            #expect(
                refusal(Self.field(good, id: key.id, hash: 5))
                    == .otherAlgorithm(signed: .sha384, measured: .sha256))
            #expect(refusal(Self.field(good, id: key.id, type: 6, version: 3)) == .otherKind)
        }
    }

    @Test("IM-15: a right signature on a denied digest is refused as denied")
    func im15Denied() throws {
        let key = try Self.keys()[0]
        let rules = try rules([key], denied: [F.digest(Self.content)])
        let field = Self.field(try key.sign(Array(Self.content.utf8)), id: key.id)
        #expect(judged(rules, field) == .refused(.denied(F.digest(Self.content).digest)))
    }

    @Test("IM-15: every shorter and every longer field, and every flipped bit of it, is refused")
    func im15Bytes() throws {
        for key in try Self.keys() {
            let rules = try rules([key])
            let good = Self.field(try key.sign(Array(Self.content.utf8)), id: key.id)
            #expect(judged(rules, good) == .signed(signer: 0))
            for count in 0..<good.count {
                let verdict = judged(rules, Array(good.prefix(count)))
                guard case .refused = verdict else {
                    Issue.record("\(key.name): \(count) bytes are taken")
                    continue
                }
            }
            for index in good.indices where index < 16 || index % 16 == 0 || index == good.count - 1 {
                for bit in 0..<8 {
                    var changed = good
                    changed[index] ^= 1 << UInt8(bit)
                    guard case .refused = judged(rules, changed) else {
                        Issue.record("\(key.name): bit \(bit) of byte \(index) does not count")
                        continue
                    }
                }
            }
            guard case .refused = judged(rules, good + [0]) else {
                Issue.record("a trailing byte is taken")
                continue
            }
            for size in [0, good.count - 10, good.count, 0xFFFF] {
                guard case .refused = judged(rules, Self.field(Array(good.dropFirst(9)), id: key.id, size: size)) else {
                    Issue.record("a length of \(size) is taken")
                    continue
                }
            }
        }
    }

    @Test("A signer speaks for its paths only")
    func paths() throws {
        let key = try Self.keys()[0]
        let rules = try rules([key], paths: ["/opt/**"])
        let field = Self.field(try key.sign(Array(Self.content.utf8)), id: key.id)
        #expect(judged(rules, field, "/opt/a/b") == .signed(signer: 0))
        #expect(judged(rules, field, "/usr/bin/x") == .refused(.signature(.path(signer: key.name))))
    }

    @Test("A certificate's key, its identifier and its validity are taken")
    func certificates() throws {
        for key in try Self.keys() {
            let rules = try F.compiled {
                ($0.files, $0.digests) = (nil, nil)
                $0.signers = [.init(name: key.name, certificate: key.certificate)]
            }
            let field = Self.field(try key.sign(Array(Self.content.utf8)), id: key.id)
            #expect(judged(rules, field) == .signed(signer: 0))
            let signer = try #require(rules.signers.first)
            #expect(signer.isValid(at: 1_700_000_000_000))
            #expect(!signer.isValid(at: 1_699_999_999_999))
            #expect(signer.isValid(at: 1_700_086_400_000))
            #expect(!signer.isValid(at: 1_700_086_401_000))
        }
        let p256 = P256.Signing.PrivateKey()
        let rules = try F.compiled {
            $0.signers = [
                .init(
                    name: "named", certificate: try? Self.certificate(.init(p256), identifier: [9, 9, 1, 2, 3, 4]))
            ]
        }
        #expect(rules.signers.map(\.keyID) == [0x0102_0304])
    }

    @Test("A kept verdict is used again, and none is kept where nothing keeps it")
    func keeping() throws {
        struct Keeper: SignatureVerdictKeeping {
            var kept: [TPMStructures.Digest: SignatureVerdict] = [:]
            var made = 0
            mutating func verdict(
                _ signature: RuntimeSignature, over digest: FileDigest, make: () -> SignatureVerdict
            ) -> SignatureVerdict {
                if let verdict = kept[signature.identity] { return verdict }
                made += 1
                let verdict = make()
                kept[signature.identity] = verdict
                return verdict
            }
        }
        let key = try Self.keys()[0]
        let rules = try rules([key])
        let entry = F.file(
            "/opt/x", Self.content, signature: Self.field(try key.sign(Array(Self.content.utf8)), id: key.id))
        var keeper = Keeper()
        for _ in 0..<3 { #expect(rules.verdict(entry, signatures: &keeper) == .signed(signer: 0)) }
        #expect(keeper.made == 1)
    }
}
