/// An algorithm identifier (TPM 2.0 Library, Part 2, section 6.3, TPM_ALG_ID). Unknown values can be held, never used.
public struct TPMAlgID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let rsa = TPMAlgID(rawValue: 0x0001)
    public static let sha1 = TPMAlgID(rawValue: 0x0004)
    public static let hmac = TPMAlgID(rawValue: 0x0005)
    public static let aes = TPMAlgID(rawValue: 0x0006)
    public static let keyedHash = TPMAlgID(rawValue: 0x0008)
    public static let sha256 = TPMAlgID(rawValue: 0x000B)
    public static let sha384 = TPMAlgID(rawValue: 0x000C)
    public static let sha512 = TPMAlgID(rawValue: 0x000D)
    public static let null = TPMAlgID(rawValue: 0x0010)
    public static let sm3 = TPMAlgID(rawValue: 0x0012)
    public static let rsassa = TPMAlgID(rawValue: 0x0014)
    public static let rsaes = TPMAlgID(rawValue: 0x0015)
    public static let rsapss = TPMAlgID(rawValue: 0x0016)
    public static let oaep = TPMAlgID(rawValue: 0x0017)
    public static let ecdsa = TPMAlgID(rawValue: 0x0018)
    public static let ecdh = TPMAlgID(rawValue: 0x0019)
    public static let ecdaa = TPMAlgID(rawValue: 0x001A)
    public static let sm2 = TPMAlgID(rawValue: 0x001B)
    public static let kdf1SP80056A = TPMAlgID(rawValue: 0x0020)
    public static let kdf1SP800108 = TPMAlgID(rawValue: 0x0022)
    public static let sm4 = TPMAlgID(rawValue: 0x0013)
    public static let camellia = TPMAlgID(rawValue: 0x0026)
    public static let ecc = TPMAlgID(rawValue: 0x0023)
    public static let symCipher = TPMAlgID(rawValue: 0x0025)
    public static let sha3256 = TPMAlgID(rawValue: 0x0027)
    public static let sha3384 = TPMAlgID(rawValue: 0x0028)
    public static let sha3512 = TPMAlgID(rawValue: 0x0029)
    public static let cfb = TPMAlgID(rawValue: 0x0043)

    public var description: String {
        HashAlgorithm(self)?.name ?? Self.names[self] ?? "0x" + String(rawValue, radix: 16)
    }
    private static let names: [TPMAlgID: String] = [
        .rsa: "rsa", .hmac: "hmac", .aes: "aes", .keyedHash: "keyedhash", .null: "null", .rsassa: "rsassa",
        .rsaes: "rsaes", .rsapss: "rsapss", .oaep: "oaep", .ecdsa: "ecdsa", .ecdh: "ecdh", .ecdaa: "ecdaa",
        .sm2: "sm2", .sm4: "sm4", .camellia: "camellia", .ecc: "ecc", .symCipher: "symcipher", .cfb: "cfb",
        .sha3256: "sha3-256",
        .sha3384: "sha3-384", .sha3512: "sha3-512",
    ]
}

/// A hash algorithm whose digest size this product knows; also the name of a PCR bank.
public enum HashAlgorithm: String, CaseIterable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    case sha1, sha256, sha384, sha512
    case sm3 = "sm3-256"

    public init?(_ algorithm: TPMAlgID) {
        switch algorithm {
        case .sha1: self = .sha1
        case .sha256: self = .sha256
        case .sha384: self = .sha384
        case .sha512: self = .sha512
        case .sm3: self = .sm3
        default: return nil
        }
    }

    public var algorithmID: TPMAlgID {
        switch self {
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        case .sm3: .sm3
        }
    }

    /// Digest size in bytes.
    public var digestSize: Int {
        switch self {
        case .sha1: 20
        case .sha256, .sm3: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    public var name: String { rawValue }
    public var description: String { rawValue }
    public static func < (left: Self, right: Self) -> Bool {
        left.algorithmID.rawValue < right.algorithmID.rawValue
    }
}

/// A PCR bank is named by its hash algorithm (PC Client Platform TPM Profile).
public typealias PCRBank = HashAlgorithm
