public import ByteParsing

/// Why bytes are not an event log: the catalogue's reason, the field, its offset and the problem.
///
/// Guarantees: `offset` counts from the first byte of the log. A log that throws this has no events that may be judged.
public struct TCGEventLogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `LOG_HEADER`, `LOG_DIGEST_LIST`, `LOG_PCR_INDEX`, `LOG_TRUNCATED`, or `LOG_FORMAT` for a log beyond our limits.
    public let reason: LogReason
    /// The field's name in the profile (`TCG_PCR_EVENT2.eventSize`).
    public let field: String
    /// Offset in bytes from the start of the log.
    public let offset: Int
    public let problem: ParsingError.Problem

    init(_ reason: LogReason, _ field: String, at offset: Int, _ problem: ParsingError.Problem) {
        self.reason = reason
        self.field = field
        self.offset = offset
        self.problem = problem
    }

    init(_ reason: LogReason, _ error: ParsingError) {
        self.init(reason, error.field, at: error.offset, error.problem)
    }

    public var parsingError: ParsingError { ParsingError(field: field, offset: offset, problem: problem) }
    public var description: String { "\(reason): \(parsingError)" }
}
