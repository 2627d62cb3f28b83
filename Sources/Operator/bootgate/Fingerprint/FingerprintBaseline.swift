import ArgumentParser
import AssetFingerprints
import AttestationMessages
import VerifierClient

struct FingerprintBaseline: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baseline",
        abstract: "What a group's nodes should show: proposed by one operator, approved by another.",
        discussion: """
            EXAMPLES
              bootgate fingerprint baseline propose mec listening-ports --from-node edge-01
              bootgate fingerprint baseline approve mec listening-ports --sha256 9f86… --reason 'reviewed'
            """,
        subcommands: [BaselineShow.self, BaselinePropose.self, BaselineApprove.self])

    static func text(_ view: FingerprintBaselineView) -> String {
        var fields = FieldList()
        fields.add("Baseline", "\(view.group), \(view.kind.slug), version \(view.version)")
        fields.add("Status", view.status.rawValue + (view.labMode ? " (lab mode)" : ""))
        fields.add("Document SHA-256", view.documentSHA256)
        fields.add("Proposed by", view.proposedBy)
        fields.add("Approved by", view.approvedBy)
        return fields.text
    }
}

struct BaselineShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a group's newest baseline of one kind.",
        discussion: """
            EXAMPLES
              bootgate fingerprint baseline show mec accounts -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Group.") var group: String
    @Argument(help: "Kind of fingerprint.") var kind: FingerprintKind

    func run() async throws {
        let view = try await connection.client().baseline(group: group, kind: kind)
        try output.write(view) {
            FingerprintBaseline.text(view) + "\n"
                + TerminalText.escaped(String(decoding: view.document.bytes, as: UTF8.self), keepingLines: true)
        }
    }
}

struct BaselinePropose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "propose", abstract: "Propose a baseline from a document, or from one node's last report.",
        discussion: """
            --allow takes globs over an entry's key (fingerprint diff prints keys) that may differ.

            EXAMPLES
              bootgate fingerprint baseline propose mec listening-ports --from-node edge-01 --allow 'udp:*'
              bootgate fingerprint baseline propose mec accounts --document @accounts.json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Group.") var group: String
    @Argument(help: "Kind of fingerprint.") var kind: FingerprintKind
    @Option(help: "Take this node's last report.") var fromNode: NodeID?
    @Option(help: "A baseline document: @FILE or -.") var document: ValueArgument?
    @Option(help: "A glob that may differ; may be repeated.") var allow: [String] = []

    func validate() throws {
        if (fromNode == nil) == (document == nil) { throw ValidationError("give either --from-node or --document") }
    }

    func run() async throws {
        let request = FingerprintBaselineRequest(
            document: try document.map { WireBytes(try $0.read()) }, fromNode: fromNode, allow: allow)
        let view = try await connection.client().proposeBaseline(group: group, kind: kind, request)
        try output.write(view) { FingerprintBaseline.text(view) }
    }
}

struct BaselineApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Approve what another operator proposed; it counts from the next evidence on.",
        discussion: """
            EXAMPLES
              bootgate fingerprint baseline approve mec accounts --sha256 9f86… --reason 'reviewed'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Group.") var group: String
    @Argument(help: "Kind of fingerprint.") var kind: FingerprintKind
    @Option(help: "SHA-256 of the document that you read, hex.") var sha256: String
    @Option(help: "Why; goes to the audit log.") var reason: String

    func run() async throws {
        let client = try connection.client()
        let version = try await client.baseline(group: group, kind: kind).version
        let view = try await client.approveBaseline(
            group: group, kind: kind, version: version, ReferenceActRequest(documentSHA256: sha256, reason: reason))
        try output.write(view) { FingerprintBaseline.text(view) }
    }
}
