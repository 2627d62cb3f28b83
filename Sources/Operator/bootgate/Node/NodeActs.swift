import ArgumentParser
import AttestationMessages
import VerifierClient

/// Runs one act on every selected node and reports each; the first refusal decides the exit code, none stops the rest.
enum NodeActs {
    static func perform(
        _ act: NodeAct, on selection: NodeSelection, _ request: NodeActRequest, dryRun: Bool,
        _ connection: ConnectionOptions, _ output: OutputOptions
    ) async throws {
        let client = try connection.client()
        var ids = selection.nodes
        if ids.isEmpty {
            ids = try await allPages {
                try await client.nodes(
                    state: selection.state, site: selection.site, group: selection.group, Listing(cursor: $0))
            }.items.map(\.nodeID)
        }
        if dryRun {
            return try output.write(DryRun(wouldAct: act.rawValue, nodes: ids)) {
                "dry run: \(act.rawValue) would act on \(ids.count) nodes: "
                    + ids.map(\.rawValue).joined(separator: ", ")
            }
        }
        if ids.count == 1 {
            let view = try await client.act(act, on: ids[0], request)
            return try output.write(Page(items: [view])) { NodeText.list([view]) }
        }
        var views: [NodeView] = []
        var firstError: VerifierClientError?
        for id in ids {
            do {
                views.append(try await client.act(act, on: id, request))
            } catch let error as VerifierClientError {
                StandardError.write("\(id): \(error)")
                firstError = firstError ?? error
                // Nothing that the next node could change: no verifier, no key, no role.
                if [.unreachable, .untrustedVerifier, .configuration, .keyPermissions].contains(error.code) { break }
            }
        }
        try output.write(Page(items: views)) { NodeText.list(views) }
        if let firstError {
            StandardError.write("\(act.rawValue): done for \(views.count) of \(ids.count) nodes")
            throw firstError
        }
    }

    struct DryRun: Encodable {
        var wouldAct: String
        var nodes: [NodeID]
    }
}

struct NodeApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Approve a pending node: its identity counts from now on; admission still needs a first pass.",
        discussion: """
            EXAMPLES
              bootgate node approve edge-01 --reason 'delivery note 4711'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selection: NodeSelection
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Flag(help: "Say which nodes are meant, do nothing.") var dryRun = false

    func run() async throws {
        try await NodeActs.perform(
            .approve, on: selection, NodeActRequest(reason: reason), dryRun: dryRun, connection, output)
    }
}

struct NodeSuspend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Suspend nodes: denied at once, until resumed.",
        discussion: """
            EXAMPLES
              bootgate node suspend --site hall-7 --reason 'break-in reported'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selection: NodeSelection
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Flag(help: "Say which nodes are meant, do nothing.") var dryRun = false

    func run() async throws {
        try await NodeActs.perform(
            .suspend, on: selection, NodeActRequest(reason: reason), dryRun: dryRun, connection, output)
    }
}

struct NodeResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Resume suspended nodes.",
        discussion: """
            EXAMPLES
              bootgate node resume edge-01 --reason 'guard checked the room'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selection: NodeSelection
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Flag(help: "Say which nodes are meant, do nothing.") var dryRun = false

    func run() async throws {
        try await NodeActs.perform(
            .resume, on: selection, NodeActRequest(reason: reason), dryRun: dryRun, connection, output)
    }
}

struct NodeRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke a node for good; its identity never counts again.",
        discussion: """
            EXAMPLES
              bootgate node revoke edge-01 --reason 'stolen'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selection: NodeSelection
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Flag(help: "Say which nodes are meant, do nothing.") var dryRun = false

    func run() async throws {
        try await NodeActs.perform(
            .revoke, on: selection, NodeActRequest(reason: reason), dryRun: dryRun, connection, output)
    }
}

struct NodeRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a node; its failure history stays with its EK.",
        discussion: """
            EXAMPLES
              bootgate node remove edge-01 --reason 'decommissioned'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selection: NodeSelection
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Flag(help: "Say which nodes are meant, do nothing.") var dryRun = false

    func run() async throws {
        try await NodeActs.perform(
            .remove, on: selection, NodeActRequest(reason: reason), dryRun: dryRun, connection, output)
    }
}

struct NodeAttest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attest", abstract: "Ask for evidence at the nodes' next contact, whatever their interval.",
        discussion: """
            EXAMPLES
              bootgate node attest --all --reason 'drill'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selection: NodeSelection
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Flag(help: "Say which nodes are meant, do nothing.") var dryRun = false

    func run() async throws {
        try await NodeActs.perform(
            .attest, on: selection, NodeActRequest(reason: reason), dryRun: dryRun, connection, output)
    }
}
