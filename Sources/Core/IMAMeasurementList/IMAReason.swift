/// The attack catalogue's reason codes that speak of an IMA measurement list (its rows IM).
public enum IMAReason: String, CaseIterable, Hashable, Sendable, Codable, CustomStringConvertible {
    // What a list as bytes breaks.
    case template = "IMA_TEMPLATE"
    case templateDigest = "IMA_TEMPLATE_DIGEST"
    // What a list does not agree with.
    case replay = "IMA_REPLAY"
    case offset = "IMA_OFFSET"
    case trimmed = "IMA_TRIMMED"
    case bootAggregate = "IMA_BOOT_AGGREGATE"
    // What a list's entries tell.
    case violation = "IMA_VIOLATION"
    case kexec = "IMA_KEXEC"
    case notActive = "IMA_NOT_ACTIVE"
    case policyChanged = "IMA_POLICY_CHANGED"
    case policyWeak = "IMA_POLICY_WEAK"
    case unknownFile = "IMA_UNKNOWN_FILE"
    case digest = "IMA_DIGEST"
    case algorithm = "IMA_ALG"
    case signature = "IMA_SIGNATURE"

    public var description: String { rawValue }
}
