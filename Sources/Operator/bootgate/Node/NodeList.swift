import ArgumentParser
import AttestationMessages
import VerifierClient

struct NodeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List nodes with their states.",
        discussion: """
            EXAMPLES
              bootgate node list
              bootgate node list --state stale --site hall-7 -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Only this state.") var state: NodeState?
    @Option(help: "Only this site.") var site: String?
    @Option(help: "Only this group.") var group: String?

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages {
            try await client.nodes(state: state, site: site, group: group, Listing(cursor: $0))
        }
        try output.write(page) { NodeText.list(page.items) }
    }
}

struct NodeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one node: identity, state, last verdict.",
        discussion: """
            EXAMPLES
              bootgate node show edge-01
              bootgate node show edge-01 -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID

    func run() async throws {
        let view = try await connection.client().node(node)
        try output.write(view) { NodeText.detail(view) }
    }
}

struct NodeHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "List a node's verdicts, newest first.",
        discussion: """
            EXAMPLES
              bootgate node history edge-01 --limit 20
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "At most this many, 1 to 1000000.") var limit = ItemLimit(50)

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages(limit: limit.count) {
            try await client.verdicts(of: node, limit.page(after: $0))
        }
        try output.write(page) {
            var table = TextTable("TIME", "VERDICT", "FIRST BROKEN LAYER", "REASONS", "REFERENCES", "VERDICT ID")
            for item in page.items {
                table.add(
                    Timestamp.text(item.atMilliseconds), item.verdict.rawValue, item.firstBrokenLayer,
                    item.reasons.isEmpty ? nil : item.reasons.joined(separator: ","), item.referenceSet, item.verdictID)
            }
            return table.text
        }
    }
}
