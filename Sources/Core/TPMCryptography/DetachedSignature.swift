public import ByteParsing
public import TPMStructures

/// A detached CMS signature of one signer, as the kernel's `sign-file` and `openssl cms -sign` make it to be appended to a file
/// (RFC 5652, sections 3, 5.1 and 5.3; what the kernel takes: crypto/asymmetric_keys/pkcs7.asn1).
///
/// Reads strict DER and nothing after it. Certificates, revocation lists and unsigned attributes are passed over: whoever checks
/// the signature brings the key. Refused are content inside the message, several signers, digests other than SHA-256, SHA-384 and
/// SHA-512, and signatures other than RSASSA-PKCS1-v1_5 and ECDSA over that digest.
///
/// Without signed attributes a signature is over a bare digest, whatever the digest is of: one key should not sign both files
/// and metadata for which a file of the same bytes could be passed off.
public struct DetachedSignature: Hashable, Sendable {
    /// What the message names its signer by. Names a key; never proves one.
    public enum SignerIdentifier: Hashable, Sendable {
        /// A DER name, and a big-endian number without leading zeros.
        case certificate(issuer: [UInt8], serialNumber: [UInt8])
        case key([UInt8])
    }

    /// The largest message that is read, in bytes: a signature of RSA-4096 with a chain of certificates has less than 8 kB.
    public static let maximumSize = 65_536

    public let signer: SignerIdentifier
    public let algorithm: HashAlgorithm
    /// RSASSA-PKCS1-v1_5, or ECDSA as DER.
    public let signature: [UInt8]
    /// Nil where the content itself is signed.
    public let attributes: SignedAttributes?

    public struct SignedAttributes: Hashable, Sendable {
        /// Of the content, as the signer states it.
        public let messageDigest: Digest
        /// Of the attributes themselves: this is what is signed.
        public let digest: Digest
    }

    public init(der: [UInt8]) throws(ParsingError) {
        guard der.count <= Self.maximumSize else {
            throw ParsingError(
                field: "ContentInfo", offset: 0,
                problem: .outOfRange(value: UInt64(der.count), limit: UInt64(Self.maximumSize)))
        }
        var outer = ByteReader(der.span)
        var info = try DER.open(DER.sequence, &outer, "ContentInfo")
        try outer.expectEnd("ContentInfo")
        try Self.expect(Identifier.signedData, &info, "ContentInfo.contentType")
        var wrapped = try DER.open(DER.context(0), &info, "ContentInfo.content")
        try info.expectEnd("ContentInfo")
        var data = try DER.open(DER.sequence, &wrapped, "SignedData")
        try wrapped.expectEnd("ContentInfo.content")
        var number = try DER.readPositiveInteger(&data, "SignedData.version")
        guard number == [1] || number == [3] else {
            throw data.error("SignedData.version", back: number.count, .malformed("version \(Hex.encode(number))"))
        }
        _ = try DER.open(DER.set, &data, "SignedData.digestAlgorithms")
        var content = try DER.open(DER.sequence, &data, "SignedData.encapContentInfo")
        try Self.expect(Identifier.data, &content, "EncapsulatedContentInfo.eContentType")
        guard content.isAtEnd else {
            throw content.error("EncapsulatedContentInfo.eContent", .malformed("the content is inside the message"))
        }
        _ = try DER.openOptional(DER.context(0), &data, "SignedData.certificates")
        _ = try DER.openOptional(DER.context(1), &data, "SignedData.crls")
        var signers = try DER.open(DER.set, &data, "SignedData.signerInfos")
        try data.expectEnd("SignedData")
        var reader = try DER.open(DER.sequence, &signers, "SignerInfo")
        guard signers.isAtEnd else {
            throw signers.error("SignedData.signerInfos", .malformed("more than one signer"))
        }

        number = try DER.readPositiveInteger(&reader, "SignerInfo.version")
        if var identifier = try DER.openOptional(DER.primitiveContext(0), &reader, "SignerInfo.sid") {
            signer = .key(identifier.readRemaining())
        } else {
            var identifier = try DER.open(DER.sequence, &reader, "SignerInfo.sid")
            let issuer = try DER.read(DER.sequence, &identifier, "IssuerAndSerialNumber.issuer")
            let serial = try DER.readPositiveInteger(&identifier, "IssuerAndSerialNumber.serialNumber")
            try identifier.expectEnd("IssuerAndSerialNumber")
            signer = .certificate(issuer: DER.encode(DER.sequence, issuer), serialNumber: serial)
        }
        let version: UInt8 = if case .key = signer { 3 } else { 1 }
        guard number == [version] else {
            throw reader.error("SignerInfo.version", .malformed("version \(Hex.encode(number)) with this identifier"))
        }
        algorithm = try Self.algorithm(&reader, "SignerInfo.digestAlgorithm") { Identifier.digests[$0] }
        if var signed = try DER.openOptional(DER.context(0), &reader, "SignerInfo.signedAttrs") {
            attributes = try SignedAttributes(&signed, algorithm)
        } else {
            attributes = nil
        }
        let hash = algorithm
        _ = try Self.algorithm(&reader, "SignerInfo.signatureAlgorithm") {
            Identifier.signatures[$0].flatMap { $0.contains(hash) ? $0 : nil }
        }
        signature = try DER.read(DER.octetString, &reader, "SignerInfo.signature")
        _ = try DER.openOptional(DER.context(1), &reader, "SignerInfo.unsignedAttrs")
        try reader.expectEnd("SignerInfo")
    }

    /// What the signature must be over so that it speaks for a content of this digest.
    ///
    /// With signed attributes, `content` may also be their digest: that is what the kernel measures as `d-modsig`, after it
    /// compared the file with the stated message digest (pkcs7_digest, crypto/asymmetric_keys/pkcs7_verify.c).
    ///
    /// - Returns: nil where the message is about another content, or about one of another algorithm.
    public func signedDigest(of content: Digest) -> Digest? {
        guard content.algorithm == algorithm else { return nil }
        guard let attributes else { return content }
        return content == attributes.messageDigest || content == attributes.digest ? attributes.digest : nil
    }

    private static func expect(
        _ identifier: [UInt8], _ reader: inout ByteReader, _ field: String
    ) throws(ParsingError) {
        let found = try DER.read(DER.objectIdentifier, &reader, field)
        guard found == identifier else {
            throw reader.error(field, back: found.count, .malformed("object identifier \(Hex.encode(found))"))
        }
    }

    /// An AlgorithmIdentifier without parameters, or with NULL.
    private static func algorithm<Value>(
        _ reader: inout ByteReader, _ field: String, _ find: ([UInt8]) -> Value?
    ) throws(ParsingError) -> Value {
        var sequence = try DER.open(DER.sequence, &reader, field)
        let identifier = try DER.read(DER.objectIdentifier, &sequence, field)
        guard let value = find(identifier) else {
            throw sequence.error(field, back: identifier.count, .malformed("algorithm \(Hex.encode(identifier))"))
        }
        guard [[], [DER.null, 0]].contains(sequence.readRemaining()) else {
            throw sequence.error(field, .malformed("parameters"))
        }
        return value
    }

    fileprivate enum Identifier {
        private static let rsadsi: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01]
        private static let sha2: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02]
        private static let ecdsa: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03]
        static let data = rsadsi + [7, 1]
        static let signedData = rsadsi + [7, 2]
        static let contentType = rsadsi + [9, 3]
        static let messageDigest = rsadsi + [9, 4]
        static let digests: [[UInt8]: HashAlgorithm] = [
            sha2 + [1]: .sha256, sha2 + [2]: .sha384, sha2 + [3]: .sha512,
        ]
        /// rsaEncryption says nothing of the digest; all others name theirs, which must be the signer's.
        static let signatures: [[UInt8]: Set<HashAlgorithm>] = [
            rsadsi + [1, 1]: [.sha256, .sha384, .sha512],
            rsadsi + [1, 11]: [.sha256], rsadsi + [1, 12]: [.sha384], rsadsi + [1, 13]: [.sha512],
            ecdsa + [2]: [.sha256], ecdsa + [3]: [.sha384], ecdsa + [4]: [.sha512],
        ]
    }
}

extension DetachedSignature.SignedAttributes {
    private typealias Identifier = DetachedSignature.Identifier

    /// Reads `SET OF Attribute`: content type and message digest each once with one value, others at will.
    fileprivate init(_ reader: inout ByteReader, _ algorithm: HashAlgorithm) throws(ParsingError) {
        let content = reader.readRemaining()
        // Signed is the DER of the set itself, not of the field that holds it (RFC 5652, section 5.4).
        digest = MessageDigest.hash(DER.encode(DER.set, content), algorithm)
        var contentTypes: [[UInt8]] = []
        var digests: [[UInt8]] = []
        var list = ByteReader(content.span, baseOffset: reader.offset - content.count)
        while !list.isAtEnd {
            var attribute = try DER.open(DER.sequence, &list, "SignerInfo.signedAttrs")
            let identifier = try DER.read(DER.objectIdentifier, &attribute, "Attribute.attrType")
            var values = try DER.open(DER.set, &attribute, "Attribute.attrValues")
            try attribute.expectEnd("Attribute")
            switch identifier {
            case Identifier.contentType:
                contentTypes.append(try DER.read(DER.objectIdentifier, &values, "Attribute.attrValues"))
            case Identifier.messageDigest:
                digests.append(try DER.read(DER.octetString, &values, "Attribute.attrValues"))
            default: _ = values.readRemaining()
            }
            try values.expectEnd("Attribute.attrValues")
        }
        guard contentTypes == [Identifier.data], digests.count == 1, let bytes = digests.first,
            let stated = Digest(algorithm: algorithm, bytes: bytes)
        else {
            throw list.error(
                "SignerInfo.signedAttrs", .malformed("not one content type of data and one message digest"))
        }
        messageDigest = stated
    }
}
