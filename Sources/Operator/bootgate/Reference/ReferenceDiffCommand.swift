import ArgumentParser
import AttestationMessages
import ReferenceValues
import VerifierClient

struct ReferenceDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "What the second set would change: events added, removed and changed, by name.",
        discussion: """
            Two files are compared offline. With --from, two versions of a stored set are compared; --to is the newest one when \
            left out. The exit code is 0 whether or not they differ.

            EXAMPLES
              bootgate reference diff golden.json golden-new-kernel.json
              bootgate reference diff mec-r740 --from 3 --to 4
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: ArgumentHelp("The set in force: a file. With --from, a stored set's name.", valueName: "before"))
    var before: String
    @Argument(help: "The set to approve: a file.") var after: String?
    @Option(help: "Compare versions of the stored set: the older one.") var from: Int?
    @Option(help: "With --from: the newer one.") var to: Int?

    func validate() throws {
        if (after == nil) == (from == nil) {
            throw ValidationError("name two files, or one stored set with --from VERSION (and --to VERSION)")
        }
        if to != nil, from == nil { throw ValidationError("--to goes with --from") }
    }

    func run() async throws {
        let sets: (ReferenceSet, ReferenceSet)
        if let after {
            sets = (try Self.file(before), try Self.file(after))
        } else {
            let client = try connection.client()
            sets = (try await stored(from, client), try await stored(to, client))
        }
        let diff = ReferenceDiff(from: sets.0, to: sets.1)
        try output.write(diff) { ReferenceSetText.text(diff) }
    }

    private static func file(_ path: String) throws -> ReferenceSet {
        let bytes = try InputFile.readInput(path)
        return try reading(path) { try ReferenceSet(parsing: bytes) }
    }

    private func stored(_ version: Int?, _ client: VerifierClient) async throws -> ReferenceSet {
        let detail = try await client.reference(before, version: version)
        return try reading("\(before) version \(detail.view.version)") {
            try ReferenceSet(parsing: detail.document.bytes)
        }
    }
}
