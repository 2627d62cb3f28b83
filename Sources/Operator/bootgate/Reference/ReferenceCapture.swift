import ArgumentParser
import AttestationMessages
import VerifierClient

struct ReferenceCapture: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture", abstract: "Make a draft set from what nodes have shown; never used before approval.",
        discussion: """
            EXAMPLES
              bootgate reference capture mec-r740 --group mec --node edge-01
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "The group that the set is for.") var group: String = "default"
    @Option(name: .customLong("node"), help: "A node whose last evidence is taken; may be repeated.")
    var nodes: [NodeID] = []
    @Option(help: "A note for those who approve.") var note: String?

    func validate() throws {
        if nodes.isEmpty { throw ValidationError("name at least one --node") }
    }

    func run() async throws {
        let detail = try await connection.client().draftReference(
            ReferenceDraftRequest(name: name, group: group, document: nil, captureFrom: nodes, note: note))
        try output.write(detail) { ReferenceText.detail(detail.view) }
    }
}
