public import TPMStructures

/// A rule of the profile that a log's events break. A value, never an error: all of them are listed.
public struct LogFinding: Hashable, Sendable {
    public enum Severity: String, Hashable, Sendable, Codable, Comparable {
        /// Shown; honest and harmless deviations of known firmware and boot loaders.
        case warning
        /// Breaks a rule of the attack catalogue. A reference set may waive it where ``LogFinding/isWaivable`` says so.
        case contraindicated

        public static func < (left: Self, right: Self) -> Bool { left == .warning && right == .contraindicated }
    }

    public let id: LogReason
    public let severity: Severity
    /// nil for a finding about the whole log or an event outside the PCR table.
    public let pcr: PCRIndex?
    /// nil for something that is missing.
    public let eventIndex: Int?
    /// The thing's human name (variable, file, action), control characters escaped.
    public let name: String
    public let expected: String
    public let seen: String
    /// One sentence for an operator.
    public let detail: String
    /// The event's digests: a waiver names them, so that it cannot cover another event of the same kind.
    public let digests: [Digest]
    /// The known deviation that this is an instance of; nil for what no honest firmware is known to do.
    public let quirk: LogQuirk?

    /// Whether an approved reference set may waive this finding by id, PCR, count and digests: never a false type, a
    /// failed replay, a second value, nor anything in PCR 7 (architecture.md, "Waivers").
    public var isWaivable: Bool {
        switch id {
        case .type, .replay, .duplicate, .header, .pcrIndex, .truncated: false
        default: pcr?.rawValue != 7
        }
    }
}
