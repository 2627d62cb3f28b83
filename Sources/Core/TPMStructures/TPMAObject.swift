internal import ByteParsing

/// Attributes of a TPM object (TPM 2.0 Library, Part 2, section 8.3.2, TPMA_OBJECT).
public struct TPMAObject: OptionSet, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let fixedTPM = TPMAObject(rawValue: 1 << 1)
    public static let stClear = TPMAObject(rawValue: 1 << 2)
    public static let fixedParent = TPMAObject(rawValue: 1 << 4)
    public static let sensitiveDataOrigin = TPMAObject(rawValue: 1 << 5)
    public static let userWithAuth = TPMAObject(rawValue: 1 << 6)
    public static let adminWithPolicy = TPMAObject(rawValue: 1 << 7)
    public static let firmwareLimited = TPMAObject(rawValue: 1 << 8)
    public static let svnLimited = TPMAObject(rawValue: 1 << 9)
    public static let noDA = TPMAObject(rawValue: 1 << 10)
    public static let encryptedDuplication = TPMAObject(rawValue: 1 << 11)
    public static let restricted = TPMAObject(rawValue: 1 << 16)
    public static let decrypt = TPMAObject(rawValue: 1 << 17)
    public static let sign = TPMAObject(rawValue: 1 << 18)
    public static let x509Sign = TPMAObject(rawValue: 1 << 19)

    private static let names: [(TPMAObject, String)] = [
        (.fixedTPM, "fixedTPM"), (.stClear, "stClear"), (.fixedParent, "fixedParent"),
        (.sensitiveDataOrigin, "sensitiveDataOrigin"), (.userWithAuth, "userWithAuth"),
        (.adminWithPolicy, "adminWithPolicy"), (.firmwareLimited, "firmwareLimited"), (.svnLimited, "svnLimited"),
        (.noDA, "noDA"), (.encryptedDuplication, "encryptedDuplication"), (.restricted, "restricted"),
        (.decrypt, "decrypt"), (.sign, "sign"), (.x509Sign, "x509sign"),
    ]
    /// Every bit that has a meaning; the others are reserved and must be zero.
    public static let defined = names.reduce(into: TPMAObject()) { $0.insert($1.0) }

    /// The specification's names of the attributes that are set, in bit order.
    public var attributeNames: [String] { Self.names.filter { contains($0.0) }.map(\.1) }
    public var description: String { attributeNames.joined(separator: "|") }
}

extension TPMAObject {
    init(reading reader: inout ByteReader) throws(ParsingError) {
        let value: UInt32 = try reader.readBigEndian("TPMT_PUBLIC.objectAttributes")
        self.init(rawValue: value)
        guard isSubset(of: .defined) else {
            throw reader.error(
                "TPMT_PUBLIC.objectAttributes", back: 4,
                .malformed("reserved bits 0x\(String(subtracting(.defined).rawValue, radix: 16)) are set"))
        }
    }
}
