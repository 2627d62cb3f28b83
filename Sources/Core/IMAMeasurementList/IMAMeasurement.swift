internal import ByteParsing
public import TPMStructures

/// One entry of a measurement list. Holds its own bytes in one piece and ranges into them.
///
/// What a quote covers after replay is the template data, hence every field, and the order of the entries of a register.
/// It covers the template's *name* in no way: another template whose fields fit the same bytes has the same digest.
public struct IMAMeasurement: Hashable, Sendable {
    /// Position in the list, from 0, counted from the boot.
    public let index: Int
    /// Where the entry begins in the list, in bytes.
    public let offset: Int
    /// Bytes that the entry has in the list.
    public let size: Int
    /// The register that the entry extends.
    public let pcr: PCRIndex
    /// nil for a template that this product does not know: `IMA_TEMPLATE`, and no field can be read.
    public let template: IMATemplate?
    /// A violation (open writers, time of measure against time of use): its template digest is all zero, and ones were
    /// extended.
    public let isViolation: Bool
    /// The order of the integers in the template data.
    public let byteOrder: IMAByteOrder

    /// Template digest, name and data, one behind the other.
    let storage: [UInt8]
    let nameStart: Int
    let dataStart: Int
    let fields: IMAFieldLayout

    /// The template digest as listed: 20 to 64 bytes.
    public var templateDigest: ArraySlice<UInt8> { storage[..<nameStart] }
    /// The template's name as listed, which nothing covers.
    public var untrustedTemplateName: ArraySlice<UInt8> { storage[nameStart..<dataStart] }
    /// The template data as listed. Its digest is what is extended, except of template `ima`.
    public var templateData: ArraySlice<UInt8> { storage[dataStart...] }

    /// The file's or buffer's digest; nil without a field of that kind.
    public var fileDigest: IMAFileDigest? {
        guard let range = fields.digest else { return nil }
        return IMAFileDigest(algorithm: fields.digestAlgorithm, kind: fields.digestKind, bytes: Array(storage[range]))
    }
    /// The file digest's algorithm, without a copy of the digest.
    public var fileDigestAlgorithm: IMAHashAlgorithm? { fields.digest == nil ? nil : fields.digestAlgorithm }
    /// What the file digest is of, without a copy of the digest.
    public var fileDigestKind: IMAFileDigest.Kind { fields.digestKind }
    /// The file digest's bytes, without a copy.
    public var fileDigestSlice: ArraySlice<UInt8>? { fields.digest.map { storage[$0] } }
    /// The file's path or the buffer's name as bytes, without the NUL. Any byte but NUL may stand in it.
    public var eventName: ArraySlice<UInt8>? { fields.name.map { storage[$0] } }

    /// The file's signature (`security.ima`), from its type byte on; nil where the template has none or it is empty.
    public var fileSignature: ArraySlice<UInt8>? { nonEmpty(.sig) }
    /// The appended signature (PKCS #7, DER).
    public var modsig: ArraySlice<UInt8>? { nonEmpty(.modsig) }
    /// The digest that the appended signature signs.
    public var modsigDigest: IMAFileDigest? {
        guard let data = nonEmpty(.dModsig) else { return nil }
        return IMAFileDigest(field: data, kind: .none)
    }
    /// What was measured that is no file. Its digest is the entry's file digest, which the verifier must recompute.
    public var buffer: ArraySlice<UInt8>? { nonEmpty(.buf) }
    /// The portable metadata signature (`security.evm`).
    public var evmSignature: ArraySlice<UInt8>? { nonEmpty(.evmsig) }
    /// An integer field: owner, group or mode.
    public func integer(_ field: IMAField) -> UInt32? {
        guard case .integer = field.form, let bytes = nonEmpty(field) else { return nil }
        let ordered = byteOrder == .bigEndian ? Array(bytes) : bytes.reversed()
        return ordered.reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// A field's bytes as listed, without its length; nil when the template has no such field.
    public func field(_ wanted: IMAField) -> ArraySlice<UInt8>? {
        guard let template, let place = template.fields.firstIndex(of: wanted) else { return nil }
        var position = dataStart
        for (number, field) in template.fields.enumerated() {
            var size = 20
            if !(template.isOriginal && field == .d) {
                guard position + 4 <= storage.count else { return nil }
                size = Int(byteOrder.uint32(storage.span, at: position))
                position += 4
            }
            guard size <= storage.count - position else { return nil }
            if number == place { return storage[position..<position + size] }
            position += size
        }
        return nil
    }

    private func nonEmpty(_ field: IMAField) -> ArraySlice<UInt8>? {
        guard let bytes = self.field(field), !bytes.isEmpty else { return nil }
        return bytes
    }
}

/// A digest of a file or buffer with the algorithm that made it. Equal only when algorithm, kind and every byte are.
public struct IMAFileDigest: Hashable, Sendable, CustomStringConvertible {
    /// What was hashed.
    public enum Kind: String, Hashable, Sendable {
        /// The template does not say; the file's content.
        case none
        /// The file's content (`ima:`).
        case ima
        /// The file's fs-verity descriptor (`verity:`): not the digest of its content.
        case verity
    }

    public let algorithm: IMAHashAlgorithm
    public let kind: Kind
    /// As many bytes as the algorithm's digest has, except in a violation of an old kernel: 20 zeros.
    public let bytes: [UInt8]

    public init(algorithm: IMAHashAlgorithm, kind: Kind, bytes: [UInt8]) {
        self.algorithm = algorithm
        self.kind = kind
        self.bytes = bytes
    }
}

/// Where the fields that every rule looks at lie in an entry's bytes.
struct IMAFieldLayout: Hashable, Sendable {
    var digest: Range<Int>?
    var digestAlgorithm = IMAHashAlgorithm.sha1
    var digestKind = IMAFileDigest.Kind.none
    /// Without the NUL.
    var name: Range<Int>?
}

extension IMAFileDigest {
    /// `sha256:<hex>`, with the kind in front where the template says it.
    public var description: String {
        let prefix = kind == .none ? "" : "\(kind.rawValue):"
        return "\(prefix)\(algorithm):\(Hex.encode(bytes))"
    }

    /// Reads `algorithm:` NUL digest, from a field that was already checked.
    init?(field: ArraySlice<UInt8>, kind: Kind) {
        guard let colon = field.firstIndex(of: UInt8(ascii: ":")), colon + 2 <= field.endIndex,
            let algorithm = IMAHashAlgorithm(field[..<colon])
        else { return nil }
        self.init(algorithm: algorithm, kind: kind, bytes: Array(field[(colon + 2)...]))
    }
}
