internal import ByteParsing
internal import TPMCryptography
public import TPMStructures

/// The signature in an extended attribute: of a file as the template field `sig` carries it (`security.ima` of kind
/// `EVM_IMA_XATTR_DIGSIG` or `IMA_VERITY_DIGSIG`), or of its metadata (`security.evm` of kind `EVM_XATTR_PORTABLE_DIGSIG`; Linux,
/// security/integrity/integrity.h, struct signature_v2_hdr).
public struct IMAFileSignature: Hashable, Sendable {
    public enum Kind: UInt8, Hashable, Sendable {
        /// Over the file's digest.
        case file = 0x03
        /// Over the file's metadata, among them `security.ima`: see ``FileMetadata``.
        case metadata = 0x05
        /// Over fs-verity's digest of the file.
        case verity = 0x06
    }

    /// Why a signature counts for nothing.
    public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case malformed(String)
        /// Version 1 names its key by a hash of its own and signs a hash with a time in it; no kernel of today makes it.
        case version(UInt8)
        case algorithm(UInt8)
        /// Signed is the digest of another algorithm than the one that was measured.
        case otherAlgorithm(signed: HashAlgorithm, measured: HashAlgorithm)
        case otherKind
        /// In the field `sig` alone, without the attributes that it covers, a metadata signature says nothing of the content.
        case withoutMetadata
        /// What a metadata signature covers does not speak for the content that was measured.
        case metadata(String)
        /// The message that holds the signature is about another content.
        case otherContent
        case unknownKey(UInt32)
        /// An appended signature names a signer that no reference names.
        case unknownSigner
        case wrongSignature(signer: String)
        case expired(signer: String)
        /// The signer may not speak for this path.
        case path(signer: String)

        public var description: String {
            switch self {
            case .malformed(let reason): "the signature is malformed: \(reason)"
            case .version(let version): "signature version \(version) is not accepted"
            case .algorithm(let number): "the signature's hash algorithm \(number) is not accepted"
            case .otherAlgorithm(let signed, let measured): "signed is a \(signed) digest, measured a \(measured) one"
            case .otherKind: "a signature over the file's digest and one over fs-verity's do not replace each other"
            case .withoutMetadata: "a signature of the file's metadata stands alone, and says nothing of its content"
            case .metadata(let reason): "the signed metadata does not speak for the content: \(reason)"
            case .otherContent: "the appended signature is over other content than was measured"
            case .unknownSigner: "the appended signature is by a signer that no reference names"
            case .unknownKey(let id): "signed by the key 0x\(String(id, radix: 16)), which no reference names"
            case .wrongSignature(let signer): "the signature does not verify with the key of \(signer)"
            case .expired(let signer): "the certificate of \(signer) is not valid now"
            case .path(let signer): "\(signer) may not sign for this path"
            }
        }
    }

    public let kind: Kind
    /// 2 or 3.
    public let version: UInt8
    public let algorithm: HashAlgorithm
    /// The last four bytes of the key's identifier, big-endian.
    public let keyID: UInt32
    /// RSASSA-PKCS1-v1_5, or ECDSA as DER.
    public let signature: [UInt8]

    /// Reads type, version, hash algorithm, key id, length and signature, and nothing after it.
    public init(_ field: [UInt8]) throws(Refusal) {
        guard field.count >= 2 else { throw .malformed("\(field.count) bytes") }
        guard let kind = Kind(rawValue: field[0]) else { throw .malformed("type \(field[0])") }
        let versions: [UInt8] =
            switch kind {
            case .file: [2, 3]
            case .metadata: [2]
            case .verity: [3]
            }
        guard versions.contains(field[1]) else { throw .version(field[1]) }
        let fields: Fields
        do throws(ParsingError) {
            fields = try Fields(field)
        } catch {
            throw .malformed(String(describing: error))
        }
        guard let algorithm = Self.algorithms[fields.hash] else { throw .algorithm(fields.hash) }
        self.kind = kind
        version = field[1]
        self.algorithm = algorithm
        keyID = fields.keyID
        signature = fields.signature
    }

    /// What follows type and version.
    private struct Fields {
        let hash: UInt8
        let keyID: UInt32
        let signature: [UInt8]

        init(_ field: [UInt8]) throws(ParsingError) {
            var reader = ByteReader(field.span)
            try reader.skip(2, "signature_v2_hdr")
            hash = try reader.readUInt8("signature_v2_hdr.hash_algo")
            keyID = try reader.readBigEndian(UInt32.self, "signature_v2_hdr.keyid")
            let size = try reader.readBigEndian(UInt16.self, "signature_v2_hdr.sig_size")
            signature = try reader.readBytes(Int(size), "signature_v2_hdr.sig")
            try reader.expectEnd("signature_v2_hdr")
        }
    }

    /// Numbers of the kernel's enum hash_algo (include/uapi/linux/hash_info.h) that a signature may use. SHA-1 (2) is not
    /// among them.
    static let algorithms: [UInt8: HashAlgorithm] = [4: .sha256, 5: .sha384, 6: .sha512]

    /// What was signed, given what was measured, or given the digest of metadata: the digest itself (version 2), or the hash of struct ima_file_id: kind,
    /// hash algorithm, digest (version 3; Linux, security/integrity/ima/ima_appraise.c, calc_file_id_hash).
    ///
    /// - Returns: nil where the digest is of another algorithm.
    func signedDigest(of digest: Digest) -> Digest? {
        guard digest.algorithm == algorithm else { return nil }
        guard version == 3 else { return digest }
        guard let number = Self.algorithms.first(where: { $0.value == algorithm })?.key else { return nil }
        return MessageDigest.hash([kind.rawValue, number] + digest.bytes, algorithm)
    }
}
