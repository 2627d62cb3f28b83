/// A TPM 2.0 response code, decoded (Part 2, section 6.6, TPM_RC).
public struct TPMResponseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// What a format-one code complains about.
    public enum Subject: Hashable, Sendable {
        case parameter(Int)
        case handle(Int)
        case session(Int)
    }

    /// Format-one codes concern a handle, parameter or session and carry its number.
    public var isFormatOne: Bool { rawValue & 0x080 != 0 }
    public var isWarning: Bool { !isFormatOne && rawValue & 0xF00 == 0x900 }

    /// The code without the number of what it concerns: what the constants below hold.
    public var base: TPMResponseCode {
        TPMResponseCode(rawValue: isFormatOne ? rawValue & 0x0BF : rawValue & 0xFFF)
    }

    public var subject: Subject? {
        guard isFormatOne else { return nil }
        let number = Int(rawValue >> 8 & 0xF)
        if rawValue & 0x040 != 0 { return .parameter(number) }
        if number & 8 != 0 { return .session(number & 7) }
        return .handle(number & 7)
    }

    public static let success = TPMResponseCode(rawValue: 0)
    public static let initialize = TPMResponseCode(rawValue: 0x100)
    public static let failure = TPMResponseCode(rawValue: 0x101)
    public static let value = TPMResponseCode(rawValue: 0x084)
    public static let hash = TPMResponseCode(rawValue: 0x083)
    public static let authFail = TPMResponseCode(rawValue: 0x08E)
    public static let integrity = TPMResponseCode(rawValue: 0x09F)
    public static let handle = TPMResponseCode(rawValue: 0x08B)
    public static let policyFail = TPMResponseCode(rawValue: 0x09D)
    public static let badAuth = TPMResponseCode(rawValue: 0x0A2)
    public static let nvDefined = TPMResponseCode(rawValue: 0x14C)
    public static let lockout = TPMResponseCode(rawValue: 0x921)
    public static let retry = TPMResponseCode(rawValue: 0x922)
    public static let yielded = TPMResponseCode(rawValue: 0x908)
    public static let testing = TPMResponseCode(rawValue: 0x90A)
    public static let objectMemory = TPMResponseCode(rawValue: 0x902)

    /// True for the codes after which the same command may be sent again.
    public var isRetriable: Bool { [.retry, .yielded, .testing].contains(self) }

    /// `TPM_RC_…` as the specification spells it, or nil for a code that it does not define.
    public var name: String? { Self.names[base.rawValue] }

    public var description: String {
        let code = "0x" + String(rawValue, radix: 16)
        guard let name else { return "TPM response code \(code)" }
        return switch subject {
        case .parameter(let number): "\(name) (\(code), parameter \(number))"
        case .handle(let number): "\(name) (\(code), handle \(number))"
        case .session(let number): "\(name) (\(code), session \(number))"
        case nil: "\(name) (\(code))"
        }
    }

    private static let names: [UInt32: String] = [
        0x000: "TPM_RC_SUCCESS", 0x01E: "TPM_RC_BAD_TAG",
        // Format zero, errors (RC_VER1).
        0x100: "TPM_RC_INITIALIZE", 0x101: "TPM_RC_FAILURE", 0x103: "TPM_RC_SEQUENCE", 0x10B: "TPM_RC_PRIVATE",
        0x119: "TPM_RC_HMAC", 0x120: "TPM_RC_DISABLED", 0x121: "TPM_RC_EXCLUSIVE", 0x124: "TPM_RC_AUTH_TYPE",
        0x125: "TPM_RC_AUTH_MISSING", 0x126: "TPM_RC_POLICY", 0x127: "TPM_RC_PCR", 0x128: "TPM_RC_PCR_CHANGED",
        0x12D: "TPM_RC_UPGRADE", 0x12E: "TPM_RC_TOO_MANY_CONTEXTS", 0x12F: "TPM_RC_AUTH_UNAVAILABLE",
        0x130: "TPM_RC_REBOOT", 0x131: "TPM_RC_UNBALANCED", 0x142: "TPM_RC_COMMAND_SIZE",
        0x143: "TPM_RC_COMMAND_CODE", 0x144: "TPM_RC_AUTHSIZE", 0x145: "TPM_RC_AUTH_CONTEXT",
        0x146: "TPM_RC_NV_RANGE", 0x147: "TPM_RC_NV_SIZE", 0x148: "TPM_RC_NV_LOCKED",
        0x149: "TPM_RC_NV_AUTHORIZATION", 0x14A: "TPM_RC_NV_UNINITIALIZED", 0x14B: "TPM_RC_NV_SPACE",
        0x14C: "TPM_RC_NV_DEFINED", 0x150: "TPM_RC_BAD_CONTEXT", 0x151: "TPM_RC_CPHASH", 0x152: "TPM_RC_PARENT",
        0x153: "TPM_RC_NEEDS_TEST", 0x154: "TPM_RC_NO_RESULT", 0x155: "TPM_RC_SENSITIVE",
        // Format one (RC_FMT1).
        0x081: "TPM_RC_ASYMMETRIC", 0x082: "TPM_RC_ATTRIBUTES", 0x083: "TPM_RC_HASH", 0x084: "TPM_RC_VALUE",
        0x085: "TPM_RC_HIERARCHY", 0x087: "TPM_RC_KEY_SIZE", 0x088: "TPM_RC_MGF", 0x089: "TPM_RC_MODE",
        0x08A: "TPM_RC_TYPE", 0x08B: "TPM_RC_HANDLE", 0x08C: "TPM_RC_KDF", 0x08D: "TPM_RC_RANGE",
        0x08E: "TPM_RC_AUTH_FAIL", 0x08F: "TPM_RC_NONCE", 0x090: "TPM_RC_PP", 0x092: "TPM_RC_SCHEME",
        0x095: "TPM_RC_SIZE", 0x096: "TPM_RC_SYMMETRIC", 0x097: "TPM_RC_TAG", 0x098: "TPM_RC_SELECTOR",
        0x09A: "TPM_RC_INSUFFICIENT", 0x09B: "TPM_RC_SIGNATURE", 0x09C: "TPM_RC_KEY", 0x09D: "TPM_RC_POLICY_FAIL",
        0x09F: "TPM_RC_INTEGRITY", 0x0A0: "TPM_RC_TICKET", 0x0A1: "TPM_RC_RESERVED_BITS", 0x0A2: "TPM_RC_BAD_AUTH",
        0x0A3: "TPM_RC_EXPIRED", 0x0A4: "TPM_RC_POLICY_CC", 0x0A5: "TPM_RC_BINDING", 0x0A6: "TPM_RC_CURVE",
        0x0A7: "TPM_RC_ECC_POINT",
        // Format zero, warnings (RC_WARN).
        0x901: "TPM_RC_CONTEXT_GAP", 0x902: "TPM_RC_OBJECT_MEMORY", 0x903: "TPM_RC_SESSION_MEMORY",
        0x904: "TPM_RC_MEMORY", 0x905: "TPM_RC_SESSION_HANDLES", 0x906: "TPM_RC_OBJECT_HANDLES",
        0x907: "TPM_RC_LOCALITY", 0x908: "TPM_RC_YIELDED", 0x909: "TPM_RC_CANCELED", 0x90A: "TPM_RC_TESTING",
        0x910: "TPM_RC_REFERENCE_H0", 0x911: "TPM_RC_REFERENCE_H1", 0x912: "TPM_RC_REFERENCE_H2",
        0x918: "TPM_RC_REFERENCE_S0", 0x919: "TPM_RC_REFERENCE_S1", 0x91A: "TPM_RC_REFERENCE_S2",
        0x920: "TPM_RC_NV_RATE", 0x921: "TPM_RC_LOCKOUT", 0x922: "TPM_RC_RETRY", 0x923: "TPM_RC_NV_UNAVAILABLE",
    ]
}
