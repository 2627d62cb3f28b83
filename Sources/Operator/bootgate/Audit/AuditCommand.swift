import ArgumentParser
import AttestationMessages
import VerifierClient

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The audit log: every operator call and every decision.",
        discussion: """
            EXAMPLES
              bootgate audit list --limit 20
              bootgate audit verify
            """,
        subcommands: [AuditList.self, AuditVerify.self, AuditExport.self])
}

struct AuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List records, newest first.",
        discussion: """
            EXAMPLES
              bootgate audit list --limit 20
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "At most this many, 1 to 1000000.") var limit = ItemLimit(100)

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages(limit: limit.count) { try await client.audit(limit.page(after: $0)) }
        try output.write(page) {
            var table = TextTable("NUMBER", "TIME", "ACTOR", "ACTION", "SUBJECT", "OUTCOME")
            for record in page.items {
                table.add(
                    String(record.number), Timestamp.text(record.atMilliseconds), record.actor, record.action,
                    record.subject, record.outcome)
            }
            return table.text
        }
    }
}

struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check the chain from the first record on; exit code 5 when it is broken.",
        discussion: """
            EXAMPLES
              bootgate audit verify
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let result = try await connection.client().verifyAudit()
        try output.write(result) {
            result.firstBadNumber.map { "broken at record \($0) of \(result.recordCount)" }
                ?? "intact: \(result.recordCount) records, head \(result.head)"
        }
        if let number = result.firstBadNumber {
            throw Failure(
                .tamperingFound, "the audit chain is broken from record \(number) on",
                nextStep: "keep the database file as evidence; compare with the SIEM's copy of the same time")
        }
    }
}

struct AuditExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print the whole log: one JSON object, or CSV for a spreadsheet.",
        discussion: """
            In CSV a cell that a spreadsheet would run as a formula begins with an apostrophe.

            EXAMPLES
              bootgate audit export > audit.json
              bootgate audit export -o csv > audit.csv
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: ExportOptions

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages { try await client.audit(Listing(cursor: $0, limit: 500)) }
        try output.write(page, header: Self.columns, rows: page.items.map(Self.row))
    }

    private static let columns = ["number", "time", "actor", "action", "subject", "outcome", "detail"]

    private static func row(_ record: AuditRecordView) -> [String] {
        [
            String(record.number), Timestamp.text(record.atMilliseconds), record.actor, record.action,
            record.subject ?? "", record.outcome, ExportOptions.pairs(record.detail),
        ]
    }
}
