import ArgumentParser
import AssetFingerprints
import AttestationMessages
import JSONCoding
import VerifierClient

struct FingerprintShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a node's last report of one kind.",
        discussion: """
            EXAMPLES
              bootgate fingerprint show edge-01 accounts
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Argument(help: "Kind of fingerprint.") var kind: FingerprintKind

    func run() async throws {
        let view = try await connection.client().fingerprint(of: node, kind: kind)
        try output.write(view) {
            var fields = FieldList()
            fields.add("Node, kind", "\(view.nodeID), \(view.kind.slug)")
            fields.add("SHA-256 (in the quote)", view.sha256)
            fields.add("Collected (node's clock)", Timestamp.text(view.collectedAtMilliseconds))
            fields.add("Received", Timestamp.withAge(view.receivedAtMilliseconds))
            return fields.text + "\n"
                + TerminalText.escaped(String(decoding: view.report.bytes, as: UTF8.self), keepingLines: true)
        }
    }
}

struct FingerprintHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "When a node's report of one kind changed, newest first.",
        discussion: """
            EXAMPLES
              bootgate fingerprint history edge-01 software-assets
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Argument(help: "Kind of fingerprint.") var kind: FingerprintKind
    @Option(help: "At most this many, 1 to 1000000.") var limit = ItemLimit(20)

    func run() async throws {
        let client = try connection.client()
        let page = try await allPages(limit: limit.count) {
            try await client.fingerprintHistory(of: node, kind: kind, limit.page(after: $0))
        }
        try output.write(page) {
            var table = TextTable("RECEIVED", "COLLECTED", "BYTES", "SHA-256")
            for view in page.items {
                table.add(
                    Timestamp.text(view.receivedAtMilliseconds), Timestamp.text(view.collectedAtMilliseconds),
                    String(view.report.bytes.count), view.sha256)
            }
            return table.text
        }
    }
}
