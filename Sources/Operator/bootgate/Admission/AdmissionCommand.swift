import ArgumentParser
import AttestationMessages
import VerifierClient

struct AdmissionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admission", abstract: "Who may join the network now, and why not.",
        discussion: """
            EXAMPLES
              bootgate admission show edge-01
              bootgate admission list
              bootgate admission override list --open
            """,
        subcommands: [AdmissionShow.self, AdmissionList.self, AdmissionOverride.self])
}

struct AdmissionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The decision for one node; exit code 2 when it is denied.",
        discussion: """
            EXAMPLES
              bootgate admission show edge-01
              bootgate admission show edge-01 --audience mepm.example.net -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "For whom the signed result is made out.") var audience: String = "bootgate"

    func run() async throws {
        let reply = try await connection.client().admission(node: node, audience: audience)
        try output.write(reply) {
            var fields = FieldList()
            fields.add("Node", reply.nodeID.rawValue)
            fields.add("Decision", reply.decision.rawValue)
            fields.add("Reason", reply.reason)
            fields.add("Verdict", reply.verdictID)
            fields.add("Valid until", reply.validUntilMilliseconds.map(Timestamp.text))
            fields.add(
                "Admission certificate",
                reply.admissionCertificates.isEmpty ? nil : "\(reply.admissionCertificates[0].bytes.count) bytes DER")
            fields.add("Result (EAR, JWT)", reply.ear.map { "\($0.utf8.count) bytes; -o json prints it" })
            guard let override = reply.override else { return fields.text }
            return fields.text + "\n\n" + OverrideText.detail(override)
        }
        if reply.decision == .deny { throw Failure(.verdictFail, "") }
    }
}

struct AdmissionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The decision for every node.",
        discussion: """
            EXAMPLES
              bootgate admission list -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages { try await client.admissions(Listing(cursor: $0)) }
        try output.write(page) {
            var table = TextTable("NODE", "DECISION", "REASON", "VALID UNTIL")
            for reply in page.items {
                table.add(
                    reply.nodeID.rawValue, reply.decision.rawValue, reply.reason,
                    reply.validUntilMilliseconds.map(Timestamp.text))
            }
            return table.text
        }
    }
}
