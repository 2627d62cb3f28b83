import ArgumentParser
import AttestationMessages
import VerifierClient

struct NodeClear: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Lift a node's sticky failure by naming its verdict; a pass must follow.",
        discussion: """
            EXAMPLES
              bootgate node clear edge-01 --verdict 01JD… --reason 'kernel update of change 88'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(name: .customLong("verdict"), help: "The failed verdict's id, from node explain.") var verdictID: String
    @Option(help: "Why; goes to the audit log.") var reason: String

    func run() async throws {
        let view = try await connection.client().act(
            .clear, on: node, NodeActRequest(reason: reason, verdictID: verdictID))
        try output.write(view) { NodeText.detail(view) }
    }
}

struct NodeReplaceTPM: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replace-tpm", abstract: "Propose, then (another operator) approve a new TPM for a node.",
        discussion: """
            The first call proposes, the same call by a second operator with another key approves. The old EK is retired.

            EXAMPLES
              bootgate node replace-tpm edge-01 --ek-spki-sha256 9f86… --reason 'board swap RMA 17'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "The new EK's name, hex.") var ekName: String?
    @Option(name: .customLong("ek-spki-sha256"), help: "SHA-256 of the new EK's SubjectPublicKeyInfo, hex.")
    var ekSPKISHA256: String?
    @Option(help: "Why; goes to the audit log.") var reason: String

    func run() async throws {
        let replacement = ManifestEntry(nodeID: node, ekName: ekName, ekSPKISHA256: ekSPKISHA256)
        let view = try await connection.client().act(
            .replaceTPM, on: node, NodeActRequest(reason: reason, replacement: replacement))
        try output.write(view) { NodeText.detail(view) }
    }
}
