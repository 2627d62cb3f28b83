import FoundationEssentials

/// Times as a person at 3 a.m. needs them: UTC, and how long ago.
enum Timestamp {
    /// RFC 3339 in UTC to the second.
    static func text(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }

    /// `2026-11-24T01:12:00Z (5 min ago)`.
    static func withAge(_ milliseconds: Int64) -> String { "\(text(milliseconds)) (\(age(milliseconds)))" }

    static func age(_ milliseconds: Int64) -> String {
        let seconds = Int64(Date.now.timeIntervalSince1970) - milliseconds / 1000
        switch seconds {
        case ..<0: return "in the future by this machine's clock"
        case ..<120: return "\(seconds) s ago"
        case ..<7200: return "\(seconds / 60) min ago"
        case ..<172_800: return "\(seconds / 3600) h ago"
        default: return "\(seconds / 86400) days ago"
        }
    }

    static func isOlder(_ milliseconds: Int64, thanSeconds seconds: Int64) -> Bool {
        Int64(Date.now.timeIntervalSince1970) - milliseconds / 1000 > seconds
    }
}
