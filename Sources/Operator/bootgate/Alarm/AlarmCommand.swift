import ArgumentParser
import AttestationMessages
import VerifierClient

struct AlarmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alarm", abstract: "Alarms: list, show, acknowledge, export.",
        discussion: """
            Acknowledging an alarm never clears a node.

            EXAMPLES
              bootgate alarm list --open
              bootgate alarm acknowledge 01JD… --reason 'known, change 88'
            """,
        subcommands: [AlarmList.self, AlarmShow.self, AlarmAcknowledge.self, AlarmExport.self])
}

enum AlarmText {
    static func list(_ alarms: [AlarmView]) -> String {
        var table = TextTable("TIME", "SEVERITY", "EVENT", "NODE", "COUNT", "ACKNOWLEDGED", "ALARM ID", "MESSAGE")
        for alarm in alarms {
            table.add(
                Timestamp.text(alarm.atMilliseconds), alarm.severity, alarm.eventID, alarm.nodeID, String(alarm.count),
                alarm.acknowledgedBy, alarm.alarmID, alarm.message)
        }
        return table.text
    }

    static func detail(_ alarm: AlarmView) -> String {
        var fields = FieldList()
        fields.add("Alarm", "\(alarm.eventID) (\(alarm.severity)), id \(alarm.alarmID)")
        fields.add("Node", alarm.nodeID)
        fields.add("Message", alarm.message)
        fields.add("First seen", Timestamp.withAge(alarm.atMilliseconds))
        fields.add("Occurrences", String(alarm.count))
        for (key, value) in alarm.detail.sorted(by: { $0.key < $1.key }) {
            fields.add("  " + TerminalText.escaped(key), value)
        }
        fields.add("Acknowledged by", alarm.acknowledgedBy)
        return fields.text
    }
}

struct AlarmList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List alarms, newest first.",
        discussion: """
            EXAMPLES
              bootgate alarm list --open --node edge-01
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "Only those that nobody acknowledged.") var open = false
    @Option(help: "Only this node's.") var node: NodeID?
    @Option(help: "At most this many, 1 to 1000000.") var limit = ItemLimit(100)

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages(limit: limit.count) {
            try await client.alarms(open: open ? true : nil, node: node?.rawValue, limit.page(after: $0))
        }
        try output.write(page) { AlarmText.list(page.items) }
    }
}

struct AlarmShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one alarm with its evidence.",
        discussion: """
            EXAMPLES
              bootgate alarm show 01JD…
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Alarm id.") var alarm: String

    func run() async throws {
        let view = try await connection.client().alarm(alarm)
        try output.write(view) { AlarmText.detail(view) }
    }
}

struct AlarmAcknowledge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "acknowledge", abstract: "Say that a person has seen it; changes no node.",
        discussion: """
            EXAMPLES
              bootgate alarm acknowledge 01JD… --reason 'technician on the way'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Alarm id.") var alarm: String
    @Option(help: "Why; goes to the audit log.") var reason: String

    func run() async throws {
        let view = try await connection.client().acknowledgeAlarm(alarm, reason: reason)
        try output.write(view) { AlarmText.detail(view) }
    }
}

struct AlarmExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print every alarm: one JSON object, or CSV for a spreadsheet.",
        discussion: """
            In CSV a cell that a spreadsheet would run as a formula begins with an apostrophe.

            EXAMPLES
              bootgate alarm export > alarms.json
              bootgate alarm export -o csv > alarms.csv
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: ExportOptions

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages { try await client.alarms(Listing(cursor: $0, limit: 500)) }
        try output.write(page, header: Self.columns, rows: page.items.map(Self.row))
    }

    private static let columns = [
        "time", "severity", "event", "node", "count", "acknowledgedBy", "acknowledgedAt", "alarmID", "message",
        "detail",
    ]

    private static func row(_ alarm: AlarmView) -> [String] {
        [
            Timestamp.text(alarm.atMilliseconds), alarm.severity, alarm.eventID, alarm.nodeID ?? "",
            String(alarm.count), alarm.acknowledgedBy ?? "", alarm.acknowledgedAtMilliseconds.map(Timestamp.text) ?? "",
            alarm.alarmID, alarm.message, ExportOptions.pairs(alarm.detail),
        ]
    }
}
