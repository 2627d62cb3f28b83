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
        var parts = unsafe tm()
        unsafe gmtime_r(&now.tv_sec, &parts)
        let date = unsafe [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday]
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec]
        let milliseconds = digits(Int32(now.tv_nsec / 1_000_000), 3)
        return date.map { digits($0, 2) }.joined(separator: "-") + "T"
            + time.map { digits($0, 2) }.joined(separator: ":") + "." + milliseconds + "Z"
    }

    private static func digits(_ value: Int32, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
