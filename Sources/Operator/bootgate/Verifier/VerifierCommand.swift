import ArgumentParser
import AttestationMessages
import VerifierClient

struct VerifierCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verifier", abstract: "The verifier itself.",
        discussion: """
            EXAMPLES
              bootgate verifier status
            """,
        subcommands: [VerifierStatusCommand.self])
}

struct VerifierStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Version, node counts by state, open alarms, SIEM backlog, certificate.",
        discussion: """
            EXAMPLES
              bootgate verifier status -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let status = try await connection.client().status()
        try output.write(status) {
            var fields = FieldList()
            fields.add("Version", status.version)
            fields.add("Instance", status.instance)
            fields.add("Started", Timestamp.withAge(status.startedAtMilliseconds))
            if status.labMode { fields.add("Lab mode", "on: one operator may approve their own proposal") }
            for state in NodeState.allCases { fields.add("Nodes \(state.rawValue)", String(status.nodes[state] ?? 0)) }
            fields.add("Open alarms", String(status.openAlarms))
            fields.add("SIEM backlog", String(status.siemBacklog))
            fields.add("Certificate ends", status.certificateExpiresAtMilliseconds.map(Timestamp.text))
            return fields.text
        }
    }
}
