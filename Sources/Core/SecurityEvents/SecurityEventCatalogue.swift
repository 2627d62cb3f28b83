/// The one table of event ids: how loud each is by default, what it means and what the operator does next.
///
/// Severities are the alert levels of the attack catalogue; where a row names none, the kind of event decides.
public enum SecurityEventCatalogue {
    public struct Entry: Hashable, Sendable {
        public let eventID: String
        public let severity: SecurityEventSeverity
        /// What happened, in a few words that never hold text from a node.
        public let title: String
        public let nextStep: String
    }

    /// All known events by id.
    public static let entries: [String: Entry] = {
        var entries: [String: Entry] = [:]
        for row in SecurityEventTable.rows {
            entries[row.id] = Entry(
                eventID: row.id, severity: row.severity, title: row.title, nextStep: row.next)
        }
        return entries
    }()

    /// The event's entry. An id that is not in the table is no reason to be quiet: it is `medium`.
    public static func entry(_ eventID: String) -> Entry {
        entries[eventID]
            ?? Entry(
                eventID: eventID, severity: .medium, title: "Security event",
                nextStep: "Read the message; look the code up in the attack catalogue.")
    }

    public static func severity(_ eventID: String) -> SecurityEventSeverity { entry(eventID).severity }
}
