import ArgumentParser
import AttestationMessages
import JSONCoding
import VerifierClient

struct NodeImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import a factory manifest: which EK belongs to which node.",
        discussion: """
            The manifest is a JSON object {"entries": […]}; each entry names a nodeID and its EK by ekName, by ekSPKISHA256, or \
            by ekIssuer + ekSerial + ekSPKISHA256 (hex), and may hold assetTag, site, group and a one-time token. Nothing is \
            written when one entry conflicts; all conflicts are listed.

            EXAMPLES
              bootgate node import @manifest.json --dry-run
              bootgate node import - < manifest.json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The manifest: @FILE, or - for standard input.") var manifest: ValueArgument
    @Flag(help: "Say what would happen, write nothing.") var dryRun = false

    func run() async throws {
        let bytes = try manifest.read()
        // An unknown key is refused: a misspelt "group" would silently put the node into the default one.
        let file = try reading("the manifest") {
            try StrictJSON.decode(ManifestFile.self, from: bytes, unknownKeys: .refused)
        }
        try await ManifestSubmission.submit(
            ManifestImport(entries: file.entries, dryRun: dryRun), connection, output)
    }
}

/// The manifest as people write it.
private struct ManifestFile: Codable {
    var entries: [ManifestEntry]
}

struct NodeAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add one node to the manifest.",
        discussion: """
            EXAMPLES
              bootgate node add edge-01 --ek-spki-sha256 9f86… --site hall-7 --group mec
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "The EK's name, hex.") var ekName: String?
    @Option(name: .customLong("ek-spki-sha256"), help: "SHA-256 of the EK's SubjectPublicKeyInfo, hex.")
    var ekSPKISHA256: String?
    @Option(help: "Issuer of the EK certificate.") var ekIssuer: String?
    @Option(help: "Serial number of the EK certificate, hex.") var ekSerial: String?
    @Option(help: "The operator's asset tag.") var assetTag: String?
    @Option(help: "Site.") var site: String?
    @Option(help: "Group: which reference sets and settings hold.") var group: String?
    @Flag(help: "Say what would happen, write nothing.") var dryRun = false

    func run() async throws {
        let entry = ManifestEntry(
            nodeID: node, ekName: ekName, ekSPKISHA256: ekSPKISHA256, ekIssuer: ekIssuer, ekSerial: ekSerial,
            assetTag: assetTag, site: site, group: group)
        try await ManifestSubmission.submit(ManifestImport(entries: [entry], dryRun: dryRun), connection, output)
    }
}

private enum ManifestSubmission {
    static func submit(_ request: ManifestImport, _ connection: ConnectionOptions, _ output: OutputOptions) async throws
    {
        let result = try await connection.client().importManifest(request)
        try output.write(result) {
            var text = request.dryRun ? "dry run: " : ""
            text += "\(result.added) added, \(result.unchanged) unchanged, \(result.conflicts.count) conflicts"
            return ([text] + result.conflicts.map { "  " + TerminalText.escaped($0) }).joined(separator: "\n")
        }
        if !result.conflicts.isEmpty {
            throw Failure(.refusedBySafetyCheck, "nothing was written", nextStep: "correct the entries named above")
        }
    }
}
