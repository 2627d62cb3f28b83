internal import ByteParsing

/// EFI_GUID in its memory layout: first three fields little-endian (UEFI 2.10, appendix A).
public struct EFIGUID: Hashable, Sendable, CustomStringConvertible {
    /// Sixteen bytes as logged.
    public let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// - Returns: nil unless there are sixteen bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    init(reading reader: inout ByteReader, _ field: String) throws(ParsingError) {
        bytes = try reader.readBytes(16, field)
    }

    /// - Returns: nil unless `text` has the form `8be4df61-93ca-11d2-aa0d-00e098032b8c`.
    public init?(_ text: String) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.count) == [8, 4, 4, 4, 12], let raw = Hex.decode(groups.joined()) else { return nil }
        bytes = Self.order.map { raw[$0] }
    }

    /// Lower case, in text order.
    public var description: String {
        guard bytes.count == 16 else { return Hex.encode(bytes) }
        let digits = Array(Hex.encode(Self.order.map { bytes[$0] }))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    private static let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]

    /// The specification's name of a well-known GUID, else its text.
    public var name: String { Self.names[description] ?? description }

    /// EFI_GLOBAL_VARIABLE (UEFI 2.10, section 3.3).
    public static let globalVariable = known("8be4df61-93ca-11d2-aa0d-00e098032b8c")
    /// EFI_IMAGE_SECURITY_DATABASE_GUID (UEFI 2.10, section 32.6.1).
    public static let imageSecurityDatabase = known("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
    /// SHIM_LOCK_GUID of shim.
    public static let shimLock = known("605dab50-e046-4300-abb6-3dd810dd8b23")
    /// EFI_CERT_SHA256_GUID, EFI_CERT_X509_GUID (UEFI 2.10, section 32.4.1).
    public static let certSHA256 = known("c1c41626-504c-4092-aca9-41f936934328")
    public static let certX509 = known("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")

    private static func known(_ text: String) -> EFIGUID {
        EFIGUID(text) ?? EFIGUID([UInt8](repeating: 0, count: 16))
    }

    private static let names: [String: String] = [
        "8be4df61-93ca-11d2-aa0d-00e098032b8c": "EFI_GLOBAL_VARIABLE",
        "d719b2cb-3d3a-4596-a3bc-dad00e67656f": "EFI_IMAGE_SECURITY_DATABASE",
        "605dab50-e046-4300-abb6-3dd810dd8b23": "SHIM_LOCK",
        "c1c41626-504c-4092-aca9-41f936934328": "EFI_CERT_SHA256",
        "a5c059a1-94e4-4aa7-87b5-ab155c2bf072": "EFI_CERT_X509",
        "3bd2a492-96c0-4079-b420-fcf98ef103ed": "EFI_CERT_X509_SHA256",
        "452e8ced-dfff-4b8c-ae01-5118862e682c": "EFI_CERT_EXTERNAL_MANAGEMENT",
        "3c5766e8-269c-4e34-aa14-ed776e85b3b6": "EFI_CERT_RSA2048",
        "77fa9abd-0359-4d32-bd60-28f4e78f784b": "Microsoft",
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system partition",
        "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux file system",
        "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
        "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
        "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
        "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux extended boot",
        "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft basic data",
        "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
        "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery",
        "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
        "eb9d2d31-2d88-11d3-9a16-0090273fc14d": "SMBIOS table",
        "f2fd1544-9794-4a2c-992e-e5bbcf20e394": "SMBIOS 3 table",
        "eb9d2d30-2d88-11d3-9a16-0090273fc14d": "ACPI 1.0 table",
        "8868e871-e4f1-11d3-bc22-0080c73c8881": "ACPI 2.0 table",
    ]
}
