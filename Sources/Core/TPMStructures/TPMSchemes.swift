internal import ByteParsing

/// A signing, encryption or key-exchange scheme of a public area (Part 2, sections 11.2.4.2 and 11.2.5.6,
/// TPMT_RSA_SCHEME and TPMT_ECC_SCHEME).
public struct TPMTAsymScheme: Hashable, Sendable {
    public var algorithm: TPMAlgID
    /// Nil for the schemes that have no details: NULL and RSAES.
    public var hash: HashAlgorithm?
    /// ECDAA's counter only.
    public var count: UInt16?

    public init(_ algorithm: TPMAlgID, _ hash: HashAlgorithm? = nil, count: UInt16? = nil) {
        self.algorithm = algorithm
        self.hash = hash
        self.count = count
    }
    public static let null = TPMTAsymScheme(.null)

    /// - Parameter allowed: what the declared key type may have; anything else is an unknown value, so that a
    ///   signature scheme of another key type is refused here and not interpreted later.
    init(reading reader: inout ByteReader, _ field: String, allowed: Set<TPMAlgID>) throws(ParsingError) {
        algorithm = TPMAlgID(rawValue: try reader.readBigEndian(field))
        guard algorithm == .null || allowed.contains(algorithm) else {
            throw reader.error(field, back: 2, .unknownValue(UInt64(algorithm.rawValue)))
        }
        guard algorithm != .null, algorithm != .rsaes else { return }
        hash = try HashAlgorithm(reading: &reader, field + ".hashAlg")
        if algorithm == .ecdaa { count = try reader.readBigEndian(field + ".count") }
    }

    func write(to writer: inout ByteWriter) {
        writer.writeBigEndian(algorithm.rawValue)
        if let hash { writer.writeBigEndian(hash.algorithmID.rawValue) }
        if let count { writer.writeBigEndian(count) }
    }

    static let rsaSchemes: Set<TPMAlgID> = [.rsassa, .rsapss, .rsaes, .oaep]
    static let eccSchemes: Set<TPMAlgID> = [.ecdsa, .ecdaa, .sm2, .ecdh]
}

/// The symmetric cipher of a parent object (Part 2, section 11.1.7, TPMT_SYM_DEF_OBJECT).
public enum TPMTSymDefObject: Hashable, Sendable {
    case none
    /// Key size in bits.
    case cipher(TPMAlgID, keyBits: UInt16, mode: TPMAlgID)

    init(reading reader: inout ByteReader, _ field: String) throws(ParsingError) {
        let algorithm = TPMAlgID(rawValue: try reader.readBigEndian(field))
        switch algorithm {
        case .null: self = .none
        case .aes, .camellia, .sm4:
            self = .cipher(
                algorithm, keyBits: try reader.readBigEndian(field + ".keyBits"),
                mode: TPMAlgID(rawValue: try reader.readBigEndian(field + ".mode")))
        default: throw reader.error(field, back: 2, .unknownValue(UInt64(algorithm.rawValue)))
        }
    }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .none: writer.writeBigEndian(TPMAlgID.null.rawValue)
        case .cipher(let algorithm, let keyBits, let mode):
            writer.writeBigEndian(algorithm.rawValue)
            writer.writeBigEndian(keyBits)
            writer.writeBigEndian(mode.rawValue)
        }
    }
}

/// An elliptic curve (Part 2, section 6.4, TPM_ECC_CURVE). Unknown values can be held, never used.
public struct TPMECCCurve: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let nistP192 = TPMECCCurve(rawValue: 0x0001)
    public static let nistP224 = TPMECCCurve(rawValue: 0x0002)
    public static let nistP256 = TPMECCCurve(rawValue: 0x0003)
    public static let nistP384 = TPMECCCurve(rawValue: 0x0004)
    public static let nistP521 = TPMECCCurve(rawValue: 0x0005)
    public static let bnP256 = TPMECCCurve(rawValue: 0x0010)
    public static let bnP638 = TPMECCCurve(rawValue: 0x0011)
    public static let sm2P256 = TPMECCCurve(rawValue: 0x0020)

    private static let names: [TPMECCCurve: String] = [
        .nistP192: "P-192", .nistP224: "P-224", .nistP256: "P-256", .nistP384: "P-384", .nistP521: "P-521",
        .bnP256: "BN-P256", .bnP638: "BN-P638", .sm2P256: "SM2-P256",
    ]
    public var description: String { Self.names[self] ?? "curve 0x" + String(rawValue, radix: 16) }
}

extension HashAlgorithm {
    init(reading reader: inout ByteReader, _ field: @autoclosure () -> String) throws(ParsingError) {
        let value: UInt16 = try reader.readBigEndian(field())
        guard let algorithm = HashAlgorithm(TPMAlgID(rawValue: value)) else {
            throw reader.error(field(), back: 2, .unknownValue(UInt64(value)))
        }
        self = algorithm
    }
}

extension ByteReader {
    /// Reads a TPM2B: a 16-bit size, checked against the limit and the bytes that are left, and the bytes.
    @_lifetime(self: copy self)
    mutating func readTPM2B(_ field: @autoclosure () -> String, max limit: Int) throws(ParsingError) -> [UInt8] {
        let size: UInt16 = try readBigEndian(field() + ".size")
        guard Int(size) <= limit else {
            throw error(field() + ".size", back: 2, .outOfRange(value: UInt64(size), limit: UInt64(limit)))
        }
        return try readBytes(Int(size), field())
    }
}
