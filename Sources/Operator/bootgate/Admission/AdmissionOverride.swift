import ArgumentParser
import AttestationMessages
import VerifierClient

/// The last resort when evidence cannot come: two persons, 24 h at most.
struct AdmissionOverride: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "override", abstract: "Admit a node for a while in spite of its evidence; takes two persons.",
        discussion: """
            A security-admin proposes, an approver (another person with another key) approves. It ends by itself, within \
            24 h; start and end raise an alarm, and every answer about the node says ADM_OVERRIDE.

            EXAMPLES
              bootgate admission override propose edge-01 --hours 4 --reason 'WAN down, ticket 88'
              bootgate admission override list edge-01 --open
              bootgate admission override approve edge-01 --id 19ab… --reason 'called the site'
              bootgate admission override end edge-01 --reason 'WAN is back'
            """,
        subcommands: [OverridePropose.self, OverrideApprove.self, OverrideEnd.self, OverrideList.self])
}

enum OverrideText {
    static func list(_ overrides: [OverrideView]) -> String {
        var table = TextTable("NODE", "STATUS", "UNTIL", "PROPOSED BY", "APPROVED BY", "ENDED BY", "ID", "REASON")
        for override in overrides {
            table.add(
                override.nodeID.rawValue, override.status.rawValue, Timestamp.text(override.untilMilliseconds),
                override.proposedBy, override.approvedBy, override.endedBy, override.overrideID, override.reason)
        }
        return table.text
    }

    static func detail(_ override: OverrideView) -> String {
        var fields = FieldList()
        fields.add("Override", "\(override.status.rawValue), id \(override.overrideID)")
        fields.add("Node", override.nodeID.rawValue)
        fields.add("Bound to", "AK \(override.akName), site \(override.site ?? "-")")
        fields.add("Reason", override.reason)
        fields.add("Until", Timestamp.text(override.untilMilliseconds))
        fields.add("Proposed", "by \(override.proposedBy), \(Timestamp.withAge(override.proposedAtMilliseconds))")
        if let name = override.approvedBy, let at = override.approvedAtMilliseconds {
            fields.add("Approved", "by \(name), \(Timestamp.withAge(at))")
        }
        if let name = override.endedBy, let at = override.endedAtMilliseconds {
            fields.add("Ended", "by \(name), \(Timestamp.withAge(at))")
        }
        if override.labMode { fields.add("Lab mode", "one person may have proposed and approved") }
        fields.add("Offline token (JWT)", override.token)
        return fields.text
    }
}

struct OverridePropose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "propose", abstract: "Propose to admit a node; admits nobody until another person approves.",
        discussion: """
            EXAMPLES
              bootgate admission override propose edge-01 --hours 4 --reason 'WAN down, ticket 88'
              bootgate admission override propose edge-01 --until 2026-11-24T18:00:00Z --reason 'ticket 88'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "Ends at this instant (UTC), at most 24 h after the approval.") var until: Instant?
    @Option(help: "Ends so many hours from now, 1 to 24.") var hours: Int?
    @Option(help: "Why; goes to the audit log and to the SIEM.") var reason: String

    func validate() throws {
        guard (until == nil) != (hours == nil) else { throw ValidationError("give --until or --hours") }
        if let hours, !(1...24).contains(hours) { throw ValidationError("--hours is 1 to 24") }
    }

    func run() async throws {
        let end = until?.milliseconds ?? Instant.now.milliseconds + Int64(hours ?? 0) * 3_600_000
        let view = try await connection.client().proposeOverride(
            of: node, OverrideProposal(reason: reason, untilMilliseconds: end))
        try output.write(view) { OverrideText.detail(view) }
    }
}

/// Names the override: nobody approves what they did not read.
struct OverrideApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approve what another person proposed; prints the token for offline use.",
        discussion: """
            EXAMPLES
              bootgate admission override approve edge-01 --id 19ab… --reason 'called the site'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "The override's id (admission override list).") var id: String
    @Option(help: "Why; goes to the audit log and to the SIEM.") var reason: String

    func run() async throws {
        let view = try await connection.client().approveOverride(id, of: node, OverrideActRequest(reason: reason))
        try output.write(view) { OverrideText.detail(view) }
    }
}

struct OverrideEnd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "End a node's override now, or withdraw a proposed one.",
        discussion: """
            A token that was handed out holds offline until its own end.

            EXAMPLES
              bootgate admission override end edge-01 --reason 'WAN is back'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "The override's id; the open one when left out.") var id: String?
    @Option(help: "Why; goes to the audit log and to the SIEM.") var reason: String

    func run() async throws {
        let client = try connection.client()
        var named = id
        if named == nil { named = try await client.overrides(open: true, node: node).items.first?.overrideID }
        guard let named else { throw Failure(.refusedBySafetyCheck, "\(node) has no open override") }
        let view = try await client.endOverride(named, of: node, OverrideActRequest(reason: reason))
        try output.write(view) { OverrideText.detail(view) }
    }
}

struct OverrideList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List overrides, newest first.",
        discussion: """
            EXAMPLES
              bootgate admission override list --open
              bootgate admission override list edge-01 -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Only this node's.") var node: NodeID?
    @Flag(help: "Only proposed and active ones.") var open = false

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages {
            try await client.overrides(open: open ? true : nil, node: node, Listing(cursor: $0))
        }
        try output.write(page) { OverrideText.list(page.items) }
    }
}
