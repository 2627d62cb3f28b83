import ArgumentParser
import AttestationMessages
import VerifierClient

struct ReferenceRollout: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "Activations in stages: where they stand, and how to stop them.",
        discussion: """
            reference activate --staged starts one: 1 % of the nodes (at least one) is judged by the new set, then 10 %, then \
            all; then the set is active. A stage ends when 90 % of its nodes were judged and its time is over. It halts by \
            itself when the new set fails what the old one passes: any node at 1 %, more than 2 % of the nodes later.

            EXAMPLES
              bootgate reference rollout list --open
              bootgate reference rollout show mec-r740
              bootgate reference rollout halt mec-r740 --reason 'wrong kernel'
            """,
        subcommands: [ReferenceRolloutList.self, ReferenceRolloutShow.self, ReferenceRolloutHalt.self])
}

struct ReferenceRolloutList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Staged activations of all sets, newest first.",
        discussion: """
            EXAMPLES
              bootgate reference rollout list --open
              bootgate reference rollout list --limit 5 -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "Only those that are under way.") var open = false
    @Option(help: "At most this many, 1 to 1000000.") var limit = ItemLimit(50)

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages(limit: limit.count) {
            try await client.rollouts(open: open ? true : nil, limit.page(after: $0))
        }
        try output.write(page) { RolloutText.list(page.items) }
    }
}

struct ReferenceRolloutShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The last staged activation of a set: stage, canaries, failures.",
        discussion: """
            EXAMPLES
              bootgate reference rollout show mec-r740
              bootgate reference rollout show mec-r740 -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String

    func run() async throws {
        let view = try await connection.client().rollout(name)
        try output.write(view) { RolloutText.detail(view) }
    }
}

struct ReferenceRolloutHalt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "halt", abstract: "Stop a staged activation now: the old set judges all nodes again.",
        discussion: """
            The version is rejected; draft its repair as a new one. Canaries that failed only by it are cleared by appraising \
            the same evidence again, and asked to attest.

            EXAMPLES
              bootgate reference rollout halt mec-r740 --reason 'wrong kernel' --ticket INC-8
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Why; goes to the audit log and to the SIEM.") var reason: String
    @Option(help: "The incident's number in your own system.") var ticket: String?

    func run() async throws {
        let halt = try await connection.client().haltRollout(
            name, ReferenceRollbackRequest(reason: reason, ticket: ticket))
        try output.write(halt) { RolloutText.halt(halt) }
    }
}

enum RolloutText {
    static func list(_ rollouts: [RolloutView]) -> String {
        var table = TextTable("SET", "GROUP", "STATUS", "STAGE", "CANARIES", "JUDGED", "FAILING", "STARTED", "BY")
        for rollout in rollouts {
            table.add(
                "\(rollout.name)@\(rollout.version)", rollout.group, rollout.status.rawValue,
                "\(rollout.stagePercent) %", "\(rollout.canaries)/\(rollout.nodes)", String(rollout.judged),
                String(rollout.newlyFailing), Timestamp.text(rollout.startedAtMilliseconds), rollout.startedBy)
        }
        return table.text
    }

    static func detail(_ rollout: RolloutView) -> String {
        var fields = FieldList()
        fields.add("Set", "\(rollout.name) version \(rollout.version), group \(rollout.group)")
        fields.add("Status", rollout.status.rawValue)
        fields.add(
            "Stage",
            "\(rollout.stagePercent) %, \(rollout.canaries) of \(rollout.nodes) nodes, since "
                + Timestamp.withAge(rollout.stageSinceMilliseconds))
        fields.add("Shortest stage", RebootText.duration(rollout.dwellMilliseconds))
        fields.add("Judged by it", "\(rollout.judged) of \(rollout.canaries)")
        fields.add("Newly failing", String(rollout.newlyFailing))
        if !rollout.failing.isEmpty {
            fields.add("Failing nodes", rollout.failing.map(\.rawValue).joined(separator: ", "))
        }
        fields.add("Reason", rollout.reason)
        fields.add("Ticket", rollout.ticket)
        fields.add("Started", "by \(rollout.startedBy), \(Timestamp.withAge(rollout.startedAtMilliseconds))")
        if let name = rollout.endedBy, let at = rollout.endedAtMilliseconds {
            fields.add("Ended", "by \(name), \(Timestamp.withAge(at)): \(rollout.endReason ?? "-")")
        }
        return fields.text
    }

    static func halt(_ halt: RolloutHalt) -> String {
        var fields = FieldList()
        fields.add("Cleared", halt.cleared.isEmpty ? "nobody" : halt.cleared.map(\.rawValue).joined(separator: ", "))
        fields.add(
            "Still failed",
            halt.stillFailed.isEmpty ? "nobody" : halt.stillFailed.map(\.rawValue).joined(separator: ", "))
        return detail(halt.rollout) + "\n" + fields.text
    }
}
