public import ByteParsing
public import TPMStructures

/// A public key without the attributes that a TPM gives it: as in a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
///
/// Two equal values are the same key. Does not say that the key is sound: see ``defects``.
public enum SubjectPublicKey: Hashable, Sendable {
    /// Big-endian, without leading zeros.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    /// P-256, P-384 or P-521; coordinates as long as the field.
    case ecc(TPMECCCurve, x: [UInt8], y: [UInt8])

    /// Reads a DER SubjectPublicKeyInfo and nothing after it: RSA (also under the id-RSAES-OAEP and id-RSASSA-PSS
    /// identifiers that some EK certificates carry) or an uncompressed point of a named NIST curve.
    public init(spki bytes: [UInt8]) throws(ParsingError) {
        var outer = ByteReader(bytes.span)
        var reader = try DER.open(DER.sequence, &outer, "SubjectPublicKeyInfo")
        try outer.expectEnd("SubjectPublicKeyInfo")
        var algorithm = try DER.open(DER.sequence, &reader, "SubjectPublicKeyInfo.algorithm")
        var key = try DER.open(DER.bitString, &reader, "SubjectPublicKeyInfo.subjectPublicKey")
        try reader.expectEnd("SubjectPublicKeyInfo")
        guard try key.readUInt8("SubjectPublicKeyInfo.subjectPublicKey") == 0 else {
            throw key.error(
                "SubjectPublicKeyInfo.subjectPublicKey", back: 1, .malformed("not a whole number of bytes"))
        }
        let identifier = try DER.read(DER.objectIdentifier, &algorithm, "AlgorithmIdentifier.algorithm")
        switch identifier {
        case Self.rsaEncryption:
            guard [[], [DER.null, 0]].contains(algorithm.readRemaining()) else {
                throw algorithm.error("AlgorithmIdentifier.parameters", .malformed("rsaEncryption takes NULL only"))
            }
            self = try Self.rsaKey(&key)
        case Self.rsaOAEP, Self.rsaPSS:
            // The parameters restrict the use of the key, which a TPM's own public area states again.
            self = try Self.rsaKey(&key)
        case Self.ecPublicKey:
            let curveID = try DER.read(DER.objectIdentifier, &algorithm, "AlgorithmIdentifier.parameters")
            try algorithm.expectEnd("AlgorithmIdentifier")
            guard let curve = Self.curves.first(where: { $0.value == curveID })?.key,
                let size = Self.fieldSize(curve)
            else {
                throw algorithm.error("AlgorithmIdentifier.parameters", .malformed("curve \(Hex.encode(curveID))"))
            }
            let point = key.readRemaining()
            guard point.count == 1 + 2 * size, point[0] == 4 else {
                throw key.error(
                    "SubjectPublicKeyInfo.subjectPublicKey", back: point.count,
                    .malformed("not an uncompressed point of \(curve)"))
            }
            self = .ecc(curve, x: Array(point[1..<1 + size]), y: Array(point[(1 + size)...]))
        default:
            throw algorithm.error("AlgorithmIdentifier.algorithm", .malformed("key type \(Hex.encode(identifier))"))
        }
    }

    /// Reads one `PUBLIC KEY` block (RFC 7468).
    public init(pem text: String) throws(ParsingError) {
        let blocks = try PEM.blocks(text, label: "PUBLIC KEY")
        guard let block = blocks.first, blocks.count == 1 else {
            throw ParsingError(field: "PEM", offset: 0, problem: .malformed("\(blocks.count) PUBLIC KEY blocks"))
        }
        try self.init(spki: block)
    }

    /// The key of a public area, coordinates padded to the field's length.
    ///
    /// - Throws: ``ParsingError`` for a key type or curve without a SubjectPublicKeyInfo here, and for coordinates
    ///   longer than the field.
    public init(_ area: TPMTPublic) throws(ParsingError) {
        switch area.key {
        case .rsa(let rsa):
            let exponent = rsa.exponent == 0 ? 65_537 : rsa.exponent
            let exponentBytes = (0..<4).map { UInt8(truncatingIfNeeded: exponent >> (24 - 8 * $0)) }
            self = .rsa(
                modulus: Array(rsa.modulus.drop { $0 == 0 }), exponent: Array(exponentBytes.drop { $0 == 0 }))
        case .ecc(let ecc):
            guard let size = Self.fieldSize(ecc.curve) else {
                throw ParsingError(
                    field: "TPMS_ECC_PARMS.curveID", offset: 0, problem: .unknownValue(UInt64(ecc.curve.rawValue)))
            }
            guard !ecc.x.isEmpty, !ecc.y.isEmpty, let x = leftPadded(ecc.x, to: size),
                let y = leftPadded(ecc.y, to: size)
            else {
                throw ParsingError(
                    field: "TPMS_ECC_POINT", offset: 0,
                    problem: .malformed("\(ecc.x.count) and \(ecc.y.count) bytes for \(ecc.curve)"))
            }
            self = .ecc(ecc.curve, x: x, y: y)
        case .keyedHash, .symCipher:
            throw ParsingError(
                field: "TPMT_PUBLIC.type", offset: 0, problem: .unknownValue(UInt64(area.type.rawValue)))
        }
    }

    /// DER SubjectPublicKeyInfo.
    public var spki: [UInt8] {
        switch self {
        case .rsa(let modulus, let exponent):
            let key = DER.encode(DER.sequence, DER.encodeInteger(modulus) + DER.encodeInteger(exponent))
            return info(DER.encode(DER.objectIdentifier, Self.rsaEncryption) + [DER.null, 0], key)
        case .ecc(let curve, let x, let y):
            let parameters = DER.encode(DER.objectIdentifier, Self.curves[curve] ?? [])
            return info(DER.encode(DER.objectIdentifier, Self.ecPublicKey) + parameters, [4] + x + y)
        }
    }

    /// One `PUBLIC KEY` block.
    public var pem: String { PEM.encode(spki, label: "PUBLIC KEY") }

    /// `RSA-2048` or `P-256`.
    public var summary: String {
        switch self {
        case .rsa: "RSA-\(modulusBits ?? 0)"
        case .ecc(let curve, _, _): curve.description
        }
    }

    /// Nil for a curve.
    public var modulusBits: Int? {
        guard case .rsa(let modulus, _) = self else { return nil }
        return modulus.first.map { modulus.count * 8 - $0.leadingZeroBitCount } ?? 0
    }

    private func info(_ algorithm: [UInt8], _ key: [UInt8]) -> [UInt8] {
        DER.encode(DER.sequence, DER.encode(DER.sequence, algorithm) + DER.encode(DER.bitString, [0] + key))
    }

    private static func rsaKey(_ outer: inout ByteReader) throws(ParsingError) -> SubjectPublicKey {
        var reader = try DER.open(DER.sequence, &outer, "RSAPublicKey")
        try outer.expectEnd("RSAPublicKey")
        let modulus = try DER.readPositiveInteger(&reader, "RSAPublicKey.modulus")
        let exponent = try DER.readPositiveInteger(&reader, "RSAPublicKey.publicExponent")
        try reader.expectEnd("RSAPublicKey")
        return .rsa(modulus: modulus, exponent: exponent)
    }

    /// Bytes of a coordinate; nil for a curve that this product does not use.
    static func fieldSize(_ curve: TPMECCCurve) -> Int? {
        switch curve {
        case .nistP256: 32
        case .nistP384: 48
        case .nistP521: 66
        default: nil
        }
    }

    private static let rsaEncryption: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
    private static let rsaOAEP: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x07]
    private static let rsaPSS: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A]
    private static let ecPublicKey: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
    private static let curves: [TPMECCCurve: [UInt8]] = [
        .nistP256: [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07],
        .nistP384: [0x2B, 0x81, 0x04, 0x00, 0x22],
        .nistP521: [0x2B, 0x81, 0x04, 0x00, 0x23],
    ]
}

/// - Returns: nil when the bytes are longer than `size`.
func leftPadded(_ bytes: [UInt8], to size: Int) -> [UInt8]? {
    guard bytes.count <= size else { return nil }
    return [UInt8](repeating: 0, count: size - bytes.count) + bytes
}
