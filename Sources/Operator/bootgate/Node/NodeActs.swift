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

/// One act of a security team on many nodes, as a verb.
protocol NodeActVerb {
    static var act: NodeAct { get }
    static var abstract: String { get }
    static var example: String { get }
}

/// A verb whose only choice is which nodes, and why.
struct NodeActCommand<Verb: NodeActVerb>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Verb.act.rawValue, abstract: Verb.abstract,
            discussion: """
                EXAMPLES
                  \(Verb.example)
                """)
    }
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selection: NodeSelection
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Flag(help: "Say which nodes are meant, do nothing.") var dryRun = false

    func run() async throws {
        try await NodeActs.perform(
            Verb.act, on: selection, NodeActRequest(reason: reason), dryRun: dryRun, connection, output)
    }
}

enum Approving: NodeActVerb {
    static let act = NodeAct.approve
    static let abstract = "Approve a pending node: its identity counts from now on; admission still needs a first pass."
    static let example = "bootgate node approve edge-01 --reason 'delivery note 4711'"
}

enum Suspending: NodeActVerb {
    static let act = NodeAct.suspend
    static let abstract = "Suspend nodes: denied at once, until resumed."
    static let example = "bootgate node suspend --site hall-7 --reason 'break-in reported'"
}

enum Resuming: NodeActVerb {
    static let act = NodeAct.resume
    static let abstract = "Resume suspended nodes."
    static let example = "bootgate node resume edge-01 --reason 'guard checked the room'"
}

enum Revoking: NodeActVerb {
    static let act = NodeAct.revoke
    static let abstract = "Revoke a node for good; its identity never counts again."
    static let example = "bootgate node revoke edge-01 --reason 'stolen'"
}

enum Removing: NodeActVerb {
    static let act = NodeAct.remove
    static let abstract = "Remove a node; its failure history stays with its EK."
    static let example = "bootgate node remove edge-01 --reason 'decommissioned'"
}

enum Attesting: NodeActVerb {
    static let act = NodeAct.attest
    static let abstract = "Ask for evidence at the nodes' next contact, whatever their interval."
    static let example = "bootgate node attest --all --reason 'drill'"
}
