import ArgumentParser
import ReferenceValues

struct ReferenceDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "What the second set would change: events added, removed and changed, by name.",
        discussion: """
            EXAMPLES
              bootgate reference diff golden.json golden-new-kernel.json
            """)
    @Argument(help: "The set in force: a file.") var before: String
    @Argument(help: "The set to approve: a file.") var after: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let sets = try [before, after].map { path in
            let bytes = try InputFile.readInput(path)
            return try reading(path) { try ReferenceSet(parsing: bytes) }
        }
        let diff = ReferenceDiff(from: sets[0], to: sets[1])
        try output.write(diff) { ReferenceSetText.text(diff) }
    }
}
