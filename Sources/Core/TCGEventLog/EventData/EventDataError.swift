public import ByteParsing

/// Why an event's data is not what its type says. The event stays in the log: its digest still counts.
public struct EventDataError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `LOG_VARIABLE`, `LOG_SIGLIST`, `LOG_DEPTH`, or `LOG_TYPE` for other structures.
    public let reason: LogReason
    /// Field, offset from the start of the log, problem.
    public let parsingError: ParsingError

    init(_ reason: LogReason, _ parsingError: ParsingError) {
        self.reason = reason
        self.parsingError = parsingError
    }

    public var description: String { "\(reason): \(parsingError)" }

    /// Runs a parser of event data and gives its errors the reason.
    static func mapping<Value>(
        _ reason: LogReason, _ body: () throws(ParsingError) -> Value
    ) throws(EventDataError) -> Value {
        do { return try body() } catch { throw EventDataError(reason, error) }
    }
}
