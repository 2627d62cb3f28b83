/// A field of a template (supported_fields, security/integrity/ima/ima_template.c).
public enum IMAField: String, CaseIterable, Hashable, Sendable {
    /// The file's digest, SHA-1 or MD5, without a name.
    case d
    /// The file's name, at most 255 bytes.
    case n
    /// The file's digest behind `algorithm:` and a NUL.
    case dNG = "d-ng"
    /// The file's name.
    case nNG = "n-ng"
    /// The file's digest behind `ima:algorithm:` or `verity:algorithm:` and a NUL.
    case dNGv2 = "d-ngv2"
    /// The file's signature: the value of `security.ima`.
    case sig
    /// The digest of the file without its appended signature.
    case dModsig = "d-modsig"
    /// The appended signature (PKCS #7).
    case modsig
    /// What was measured that is no file: keys, command lines, policies.
    case buf
    /// The portable signature of the file's metadata: the value of `security.evm`.
    case evmsig
    case xattrnames, xattrlengths, xattrvalues
    /// The file's owner, group and mode.
    case iuid, igid, imode

    /// How the kernel prints and bounds a field (enum data_formats, ima_template_lib.c).
    enum Form { case rawDigest, digest, digestWithType, shortName, name, bytes, lengths, integer(Int) }

    var form: Form {
        switch self {
        case .d: .rawDigest
        case .dNG, .dModsig: .digest
        case .dNGv2: .digestWithType
        case .n: .shortName
        case .nNG, .xattrnames: .name
        case .sig, .modsig, .buf, .evmsig, .xattrvalues: .bytes
        case .xattrlengths: .lengths
        case .iuid, .igid: .integer(4)
        case .imode: .integer(2)
        }
    }
    /// A field that the kernel leaves empty where there is nothing to say.
    var mayBeEmpty: Bool {
        switch self {
        case .d, .n, .dNG, .nNG, .dNGv2: false
        default: true
        }
    }
}

/// What the data of an entry consists of: a template that the kernel names, or a format string (`d-ng|n-ng|sig`), which the
/// kernel lists under itself.
public struct IMATemplate: Hashable, Sendable, CustomStringConvertible {
    public let name: String
    public let fields: [IMAField]
    /// No length in front of the data, a digest without a length, and a name that is hashed filled up to 256 bytes.
    public let isOriginal: Bool
    /// What was measured is a buffer (keys, command line, policy), and the name says which.
    public let isBuffer: Bool
    /// A file may have an appended signature, and with it a second digest.
    public let hasAppendedSignature: Bool

    private init(_ name: String, _ fields: [IMAField]) {
        self.name = name
        self.fields = fields
        isOriginal = name == "ima"
        isBuffer = fields.contains(.buf)
        hasAppendedSignature = fields.contains(.modsig)
    }

    /// SHA-1 digest and name alone, hashed in a way of its own (kernels before 3.13, `ima_template=ima`).
    public static let ima = IMATemplate("ima", [.d, .n])
    public static let imaNG = IMATemplate("ima-ng", [.dNG, .nNG])
    public static let imaNGv2 = IMATemplate("ima-ngv2", [.dNGv2, .nNG])
    public static let imaSig = IMATemplate("ima-sig", [.dNG, .nNG, .sig])
    public static let imaSigv2 = IMATemplate("ima-sigv2", [.dNGv2, .nNG, .sig])
    public static let imaModsig = IMATemplate("ima-modsig", [.dNG, .nNG, .sig, .dModsig, .modsig])
    public static let imaBuf = IMATemplate("ima-buf", [.dNG, .nNG, .buf])
    public static let evmSig = IMATemplate(
        "evm-sig", [.dNG, .nNG, .evmsig, .xattrnames, .xattrlengths, .xattrvalues, .iuid, .igid, .imode])

    /// The templates that the kernel names (builtin_templates, ima_template.c).
    public static let named: [IMATemplate] = [
        .ima, .imaNG, .imaNGv2, .imaSig, .imaSigv2, .imaModsig, .imaBuf, .evmSig,
    ]

    /// - Returns: nil for a name that is neither the kernel's nor a format string of known fields, each at most once.
    public init?(name: String) {
        if let named = Self.named.first(where: { $0.name == name }) {
            self = named
            return
        }
        var fields: [IMAField] = []
        for part in name.split(separator: "|", omittingEmptySubsequences: false) {
            guard let field = IMAField(rawValue: String(part)), !fields.contains(field),
                fields.count < IMAListLimits.templateFields
            else { return nil }
            fields.append(field)
        }
        self.init(name, fields)
    }

    public var description: String { name }
}
