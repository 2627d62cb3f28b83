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
        commandName: "export", abstract: "Print the whole log as one JSON object.",
        discussion: """
            EXAMPLES
              bootgate audit export > audit.json
            """)
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages { try await client.audit(Listing(cursor: $0, limit: 500)) }
        StandardOutput.write(try JSONText.encode(page))
    }
}
