/// The attack catalogue's reason codes that speak of a boot event log (its rows EL).
public enum LogReason: String, CaseIterable, Hashable, Sendable, Codable, CustomStringConvertible {
    // Why a log is refused as a whole.
    case header = "LOG_HEADER"
    case digestList = "LOG_DIGEST_LIST"
    case pcrIndex = "LOG_PCR_INDEX"
    case truncated = "LOG_TRUNCATED"
    // What a log that was read does not agree with.
    case replay = "LOG_REPLAY"
    // What a log's events break.
    case type = "LOG_TYPE"
    case duplicate = "LOG_DUPLICATE"
    case separator = "LOG_SEPARATOR"
    case afterBoot = "LOG_AFTER_BOOT"
    case noExitBoot = "LOG_NO_EXIT_BOOT"
    case noAction = "LOG_NO_ACTION"
    case startupLocality = "LOG_STARTUP_LOCALITY"
    case variable = "LOG_VARIABLE"
    case signatureList = "LOG_SIGLIST"
    case depth = "LOG_DEPTH"
    case dataDigest = "LOG_DATA_DIGEST"
    case format = "LOG_FORMAT"
    case bankUnused = "LOG_BANK_UNUSED"

    public var description: String { rawValue }
}
