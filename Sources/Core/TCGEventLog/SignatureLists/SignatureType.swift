/// What the entries of an EFI_SIGNATURE_LIST are (UEFI 2.10, section 32.4.1).
public enum SignatureType: String, CaseIterable, Hashable, Sendable, Codable {
    case sha1, sha224, sha256, sha384, sha512
    case rsa2048
    case rsa2048SHA1 = "rsa2048-sha1"
    case rsa2048SHA256 = "rsa2048-sha256"
    case x509
    case x509SHA256 = "x509-sha256"
    case x509SHA384 = "x509-sha384"
    case x509SHA512 = "x509-sha512"
    /// The platform's owner manages the key by other means; one zero byte stands for it.
    case externalManagement = "external-mgmt"

    /// nil for a type that the specification does not name.
    public init?(_ guid: EFIGUID) {
        guard let type = Self.byGUID[guid] else { return nil }
        self = type
    }

    public var guid: EFIGUID { EFIGUID(text) ?? EFIGUID([UInt8](repeating: 0, count: 16)) }

    /// Size of one entry's data in bytes, without its owner; nil where entries differ in size (certificates).
    public var dataSize: Int? {
        switch self {
        case .sha1: 20
        case .sha224: 28
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        case .rsa2048, .rsa2048SHA1, .rsa2048SHA256: 256
        case .x509: nil
        // A hash and EFI_TIME of the revocation.
        case .x509SHA256: 48
        case .x509SHA384: 64
        case .x509SHA512: 80
        case .externalManagement: 1
        }
    }

    private var text: String {
        switch self {
        case .sha1: "826ca512-cf10-4ac9-b187-be01496631bd"
        case .sha224: "0b6e5233-a65c-44c9-9407-d9ab83bfc8bd"
        case .sha256: "c1c41626-504c-4092-aca9-41f936934328"
        case .sha384: "ff3e5307-9fd0-48c9-85f1-8ad56c701e01"
        case .sha512: "093e0fae-a6c4-4f50-9f1b-d41e2b89c19a"
        case .rsa2048: "3c5766e8-269c-4e34-aa14-ed776e85b3b6"
        case .rsa2048SHA1: "67f8444f-8743-48f1-a328-1eaab8736080"
        case .rsa2048SHA256: "e2b36190-879b-4a3d-ad8d-f2e7bba32784"
        case .x509: "a5c059a1-94e4-4aa7-87b5-ab155c2bf072"
        case .x509SHA256: "3bd2a492-96c0-4079-b420-fcf98ef103ed"
        case .x509SHA384: "7076876e-80c2-4ee6-aad2-28b349a6865b"
        case .x509SHA512: "446dbf63-2502-4cda-bcfa-2465d2b0fe9d"
        case .externalManagement: "452e8ced-dfff-4b8c-ae01-5118862e682c"
        }
    }

    private static let byGUID = Dictionary(uniqueKeysWithValues: allCases.map { ($0.guid, $0) })
}
