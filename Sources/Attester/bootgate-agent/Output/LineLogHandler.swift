import Glibc
import Logging

/// One line for each event on standard error: JSON, or logfmt.
struct LineLogHandler: LogHandler {
    enum Format: String, CaseIterable, Sendable { case json, logfmt }

    let format: Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = [("time", Self.timestamp()), ("level", event.level.rawValue), ("message", "\(event.message)")]
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        fields += all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        let line =
            switch format {
            case .json:
                "{" + fields.map { EscapedText.quoted($0) + ":" + EscapedText.quoted($1) }.joined(separator: ",") + "}"
            case .logfmt: fields.map { $0 + "=" + EscapedText.quoted($1) }.joined(separator: " ")
            }
        StandardStream.error.write(line + "\n")
    }

    /// RFC 3339 in UTC with milliseconds.
    private static func timestamp() -> String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        unsafe gmtime_r(&now.tv_sec, &parts)
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
            + "T\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
            + ".\(digits(now.tv_nsec / 1_000_000, 3))Z"
    }
}
