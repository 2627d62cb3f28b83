internal import TPMCryptography
public import TPMStructures

/// What a portable signature in `security.evm` covers, as template `evm-sig` lists it: the values of the protected extended
/// attributes in the kernel's order, and owner, group and mode (Linux, security/integrity/evm/evm_crypto.c,
/// evm_calc_hmac_or_hash and hmac_add_misc; evm_main.c, evm_read_protected_xattrs).
///
/// Signed are the values one behind the other, without names and lengths: where one ends is the list's word alone. That is why
/// an attribute counts only by an equal digest or a good signature in it, and why a value that is cut elsewhere cannot be made to
/// speak for another content.
public struct FileMetadata: Hashable, Sendable {
    /// Names between `|`, with a NUL at the end.
    public var names: [UInt8]
    /// A 32-bit length for each name.
    public var lengths: [UInt8]
    public var values: [UInt8]
    public var owner: UInt32
    public var group: UInt32
    public var mode: UInt16
    /// The order of the machine's integers.
    public var isBigEndian: Bool

    /// Attributes of one file. The kernel protects eight, and as many more as an administrator names.
    public static let maximumAttributes = 64

    public init(
        names: [UInt8], lengths: [UInt8], values: [UInt8], owner: UInt32, group: UInt32, mode: UInt16, isBigEndian: Bool
    ) {
        (self.names, self.lengths, self.values) = (names, lengths, values)
        (self.owner, self.group, self.mode, self.isBigEndian) = (owner, group, mode, isBigEndian)
    }

    /// What is signed.
    public func digest(_ algorithm: HashAlgorithm) -> Digest { MessageDigest.hash(values + inode, algorithm) }

    /// struct h_misc of a 64-bit machine, 24 bytes: inode number and generation, which are zero in what is portable, owner,
    /// group, mode, and two bytes that fill it up.
    var inode: [UInt8] {
        func ordered(_ value: UInt32, _ size: Int) -> [UInt8] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
            return isBigEndian ? bytes.reversed() : bytes
        }
        return [UInt8](repeating: 0, count: 12) + ordered(owner, 4) + ordered(group, 4) + ordered(UInt32(mode), 2) + [
            0, 0,
        ]
    }

    /// What `security.ima` says of the content.
    enum Content: Hashable {
        case digest(Digest)
        /// The attribute's value, to be checked as any signature of a file.
        case signature([UInt8])
    }

    /// - Throws: where names, lengths and values do not fit each other, and where `security.ima` is missing, there twice, or
    ///   neither a digest of SHA-256, SHA-384 or SHA-512 (IMA_XATTR_DIGEST_NG) nor a signature.
    func content() throws(IMAFileSignature.Refusal) -> Content {
        guard names.last == 0, !names.dropLast().contains(0) else { throw .metadata("the names do not end in one NUL") }
        let names = names.dropLast().split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
        guard names.count <= Self.maximumAttributes, lengths.count == 4 * names.count, Set(names).count == names.count
        else { throw .metadata("\(names.count) attributes, \(lengths.count) bytes of lengths") }
        var position = 0
        var found: [UInt8]?
        for (number, name) in names.enumerated() {
            let bytes = lengths[4 * number..<4 * number + 4]
            let size = (isBigEndian ? Array(bytes) : bytes.reversed()).reduce(0) { $0 << 8 | Int($1) }
            guard size <= values.count - position else { throw .metadata("an attribute is longer than all values") }
            if name.elementsEqual(Self.imaAttribute) { found = Array(values[position..<position + size]) }
            position += size
        }
        guard position == values.count else {
            throw .metadata("\(values.count - position) bytes belong to no attribute")
        }
        guard let found, let type = found.first else { throw .metadata("security.ima is not among the attributes") }
        switch type {
        case Self.digestType:
            guard let algorithm = found.dropFirst().first.flatMap({ IMAFileSignature.algorithms[$0] }),
                let digest = Digest(algorithm: algorithm, bytes: Array(found.dropFirst(2)))
            else { throw .metadata("security.ima is no digest of SHA-256, SHA-384 or SHA-512") }
            return .digest(digest)
        case IMAFileSignature.Kind.file.rawValue, IMAFileSignature.Kind.verity.rawValue: return .signature(found)
        default: throw .metadata("security.ima is of type \(type)")
        }
    }

    private static let imaAttribute = Array("security.ima".utf8)
    /// IMA_XATTR_DIGEST_NG (security/integrity/integrity.h).
    private static let digestType: UInt8 = 0x04
}
