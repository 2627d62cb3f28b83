import ByteParsing
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

/// Messages of OpenSSL and of the kernel's sign-file, over one module.
@Suite("Detached signatures")
struct DetachedSignatureTests {
    static func bytes(_ name: String) throws -> [UInt8] { try TestVectors.bytes("file-signatures/\(name)") }
    static func module(_ algorithm: HashAlgorithm = .sha256) throws -> Digest {
        MessageDigest.hash(try bytes("module"), algorithm)
    }

    struct Good: Sendable, CustomTestStringConvertible {
        let file: String
        let key: String
        var algorithm = HashAlgorithm.sha256
        var testDescription: String { file }
    }
    static let good = [
        Good(file: "sign-file.p7s", key: "rsa"), Good(file: "sign-file-ec.p7s", key: "ec"),
        Good(file: "bare.p7s", key: "rsa"), Good(file: "keyid-ec.p7s", key: "ec", algorithm: .sha384),
        Good(file: "attributes.p7s", key: "rsa"),
    ]

    private func isValid(_ der: [UInt8], by key: String, over digest: Digest) throws -> Bool {
        guard let message = try? DetachedSignature(der: der), let signed = message.signedDigest(of: digest) else {
            return false
        }
        let key = try SubjectPublicKey(pem: String(decoding: Self.bytes("\(key).pub"), as: UTF8.self))
        return DigestSignature.isValid(message.signature, by: key, over: signed)
    }

    @Test("Messages of OpenSSL and sign-file verify with their key and over their content alone", arguments: good)
    func verify(_ vector: Good) throws {
        let der = try Self.bytes(vector.file)
        let digest = try Self.module(vector.algorithm)
        #expect(try isValid(der, by: vector.key, over: digest))
        #expect(try !isValid(der, by: "other", over: digest))
        #expect(try !isValid(der, by: vector.key, over: MessageDigest.hash([1], vector.algorithm)))
        #expect(try DetachedSignature(der: der).algorithm == vector.algorithm)
        for other in [HashAlgorithm.sha1, .sha256, .sha384, .sha512] where other != vector.algorithm {
            #expect(try !isValid(der, by: vector.key, over: Self.module(other)))
        }
        let signer = try DetachedSignature(der: der).signer
        let certificate = try OpenSSLCertificate(
            der: PEM.blocks(String(decoding: Self.bytes("\(vector.key).pem"), as: UTF8.self), label: "CERTIFICATE")[0])
        if case .key(let identifier) = signer {
            #expect(certificate.extensions.contains { $0.value.suffix(20) == identifier[...] })
        } else {
            #expect(
                signer == .certificate(issuer: certificate.issuer, serialNumber: certificate.serialNumber))
        }
    }

    @Test("Signed attributes: the stated message digest counts, and so does what the kernel measures of them")
    func attributes() throws {
        let message = try DetachedSignature(der: Self.bytes("attributes.p7s"))
        let attributes = try #require(message.attributes)
        #expect(attributes.messageDigest == (try Self.module()))
        #expect(message.signedDigest(of: attributes.messageDigest) == attributes.digest)
        #expect(message.signedDigest(of: attributes.digest) == attributes.digest)
        #expect(message.signedDigest(of: MessageDigest.hash([1], .sha256)) == nil)
        #expect(try DetachedSignature(der: Self.bytes("bare.p7s")).attributes == nil)
    }

    @Test("Two signers, content inside the message, SHA-1 and RSASSA-PSS are refused")
    func refused() throws {
        for file in ["two.p7s", "attached.p7s", "sha1.p7s", "pss.p7s"] {
            #expect(throws: ParsingError.self, "\(file)") { try DetachedSignature(der: Self.bytes(file)) }
        }
    }

    @Test("Every proper prefix, a trailing byte and a message beyond the limit are refused", arguments: good)
    func lengths(_ vector: Good) throws {
        let der = try Self.bytes(vector.file)
        for count in 0..<der.count {
            #expect(throws: ParsingError.self) { try DetachedSignature(der: Array(der.prefix(count))) }
        }
        #expect(throws: ParsingError.self) { try DetachedSignature(der: der + [0]) }
        let huge = [0x30, 0x83, 0x01, 0x00, 0x00] + [UInt8](repeating: 0, count: DetachedSignature.maximumSize)
        #expect {
            try DetachedSignature(der: huge)
        } throws: {
            ($0 as? ParsingError)?.problem
                == .outOfRange(value: UInt64(huge.count), limit: UInt64(DetachedSignature.maximumSize))
        }
    }

    @Test("Every length of an element at 0, at its greatest and one more than there is", arguments: good)
    func elementLengths(_ vector: Good) throws {
        let der = try Self.bytes(vector.file)
        let digest = try Self.module(vector.algorithm)
        for index in der.indices.dropLast() where [0x02, 0x04, 0x06, 0x30, 0x31, 0xA0, 0x80].contains(der[index]) {
            for length in [0, 0x7F, 0xFF, der[index + 1] &+ 1] where der[index + 1] != length {
                var changed = der
                changed[index + 1] = length
                #expect(try !isValid(changed, by: vector.key, over: digest) || isPassedOver(index + 1, vector))
            }
        }
    }

    @Test("No flipped bit of a message leaves it valid but in what names the signer or is passed over", arguments: good)
    func bits(_ vector: Good) throws {
        let der = try Self.bytes(vector.file)
        let digest = try Self.module(vector.algorithm)
        for index in der.indices {
            for bit in 0..<8 {
                var changed = der
                changed[index] ^= 1 << UInt8(bit)
                #expect(
                    try !isValid(changed, by: vector.key, over: digest) || isPassedOver(index, vector),
                    "byte \(index), bit \(bit)")
            }
        }
    }

    /// What stands before the signer's digest algorithm: the list of algorithms and the certificates, which nobody reads, and
    /// what names the signer, which proves nothing.
    private func isPassedOver(_ index: Int, _ vector: Good) throws -> Bool {
        let der = try Self.bytes(vector.file)
        let sha2: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02]
        let last = der.indices.last { der[$0...].starts(with: sha2) } ?? 0
        // Two headers before it.
        return index < last - 4
    }
}
