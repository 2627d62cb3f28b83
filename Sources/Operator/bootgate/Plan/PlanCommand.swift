import ArgumentParser
import AttestationMessages
import VerifierClient

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Change plans: these nodes, this update, this window.",
        discussion: """
            Inside the window old and new values are both good for the named nodes, and their reboots are expected. A node \
            that passes by the new values is judged by them alone from then on; whatever passes by neither is an alarm as ever.

            EXAMPLES
              bootgate plan create kernel-53 --set mec-r740@4 --site hall-7 --hours 6 --reason 'kernel 6.1.0-53'
              bootgate plan list --open
              bootgate plan show kernel-53
              bootgate plan close kernel-53 --activate --reason 'all halls done'
            """,
        subcommands: [PlanCreate.self, PlanList.self, PlanShow.self, PlanClose.self])
}

struct PlanCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a plan; the set that comes must be approved, and not active yet.",
        discussion: """
            Nodes are named, or selected by --site, --group or both; selectors mean the nodes of now. A window is at most 14 \
            days. More boots of a node than --reboots, and boots that nobody saw, are told as ever (BOOT_UNEXPECTED).

            EXAMPLES
              bootgate plan create kernel-53 --set mec-r740@4 --site hall-7 --hours 6 --reason 'kernel 6.1.0-53'
              bootgate plan create bios-2 edge-01 edge-02 --set mec-r740@5 --from 2026-12-01T01:00:00Z --hours 4 \
            --reboots 5 --reason 'BIOS 2.19' --ticket CHG-1201
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The plan's name; used once.") var name: String
    @Argument(help: "Node ids.") var nodes: [NodeID] = []
    @Option(help: "All nodes of this site.") var site: String?
    @Option(help: "All nodes of this group.") var group: String?
    @Option(help: "The set that comes, as name@version.") var set: SetVersion
    @Option(help: "When the window begins (UTC); now when left out.") var from: Instant?
    @Option(help: "When the window ends (UTC).") var until: Instant?
    @Option(help: "The window ends so many hours after its beginning, 1 to 336.") var hours: Int?
    @Option(help: "Boots of each node that the plan explains, 1 to 16.") var reboots = PlanRequest.usualReboots
    @Option(help: "Why; goes to the audit log, the SIEM and the reboot ledger.") var reason: String
    @Option(help: "The change's number in your own system.") var ticket: String?

    func validate() throws {
        guard nodes.isEmpty == (site != nil || group != nil) else {
            throw ValidationError("name nodes, or select them with --site or --group")
        }
        guard (until == nil) != (hours == nil) else { throw ValidationError("give --until or --hours") }
        if let hours, !(1...336).contains(hours) { throw ValidationError("--hours is 1 to 336") }
        guard (1...PlanRequest.mostReboots).contains(reboots) else {
            throw ValidationError("--reboots is 1 to \(PlanRequest.mostReboots)")
        }
    }

    func run() async throws {
        let start = from ?? Instant.now
        let end = until?.milliseconds ?? start.milliseconds + Int64(hours ?? 0) * 3_600_000
        let detail = try await connection.client().createPlan(
            PlanRequest(
                name: name, reason: reason, ticket: ticket, referenceSet: set.name, version: set.version,
                startMilliseconds: from?.milliseconds, endMilliseconds: end, nodes: nodes, site: site,
                nodeGroup: group, reboots: reboots))
        try output.write(detail) { PlanText.detail(detail) }
    }
}

/// `name@version`.
struct SetVersion: ExpressibleByArgument {
    var name: String
    var version: Int

    init?(argument: String) {
        let parts = argument.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let version = Int(parts[1]), version > 0 else { return nil }
        name = String(parts[0])
        self.version = version
    }
}

struct PlanList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List plans, newest first.",
        discussion: """
            EXAMPLES
              bootgate plan list --open
              bootgate plan list -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "Only open ones.") var open = false

    func run() async throws {
        let page = try await connection.client().plans(open: open ? true : nil)
        try output.write(page) { PlanText.list(page.items) }
    }
}

struct PlanShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "A plan with its nodes: who waits, who is updated and by which verdict, who missed it.",
        discussion: """
            EXAMPLES
              bootgate plan show kernel-53
              bootgate plan show kernel-53 --status missed -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The plan's name.") var name: String
    @Option(help: "Only nodes that are waiting, updated or missed.") var status: PlanNodeStatus?

    func run() async throws {
        var detail = try await connection.client().plan(name)
        if let status { detail.nodes.removeAll { $0.status != status } }
        let shown = detail
        try output.write(shown) { PlanText.detail(shown) }
    }
}

struct PlanClose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "End a plan: activate its set for the group, or go back to the old one.",
        discussion: """
            A plan ends by itself, and its set becomes active, when every node that the group's set judges is updated. Before, \
            the verifier appraises the stored evidence of all of them, and refuses (exit code 3) while any node would lose \
            its pass: with --activate those that were not updated, without it those that were. --activate ends all plans of the group.

            EXAMPLES
              bootgate plan close kernel-53 --activate --reason 'all halls done'
              bootgate plan close kernel-53 --activate --accept-failures 2 --reason 'two machines are in repair'
              bootgate plan close kernel-53 --reason 'postponed'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The plan's name.") var name: String
    @Flag(help: "Make the plan's set the active one of its group.") var activate = false
    @Option(help: "So many nodes may lose their pass.") var acceptFailures: Int?
    @Option(help: "Why; goes to the audit log and to the SIEM.") var reason: String

    func run() async throws {
        let detail = try await connection.client().closePlan(
            name, PlanCloseRequest(reason: reason, activate: activate, acceptFailures: acceptFailures))
        try output.write(detail) { PlanText.detail(detail) }
    }
}
