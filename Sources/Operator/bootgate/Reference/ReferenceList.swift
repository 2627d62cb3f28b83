import ArgumentParser
import AttestationMessages
import VerifierClient

struct ReferenceList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List reference sets, every version with its status.",
        discussion: """
            EXAMPLES
              bootgate reference list
              bootgate reference list -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let page = try await connection.client().references()
        try output.write(page) { ReferenceText.list(page.items) }
    }
}

struct ReferenceShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a set: who made it, its digest, and everything that it demands.",
        discussion: """
            Read it before you approve: layers, then each register's rule with every event's name and accepted digests. The \
            SHA-256 printed here is what approve asks for.

            EXAMPLES
              bootgate reference show mec-r740
              bootgate reference show mec-r740 --history
              bootgate reference show mec-r740 --version 2 --document > mec-r740.json
              bootgate reference show mec-r740 --effective > together-with-its-parents.json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Version; the newest when left out.") var version: Int?
    @Flag(help: "Who did what to its versions, when, why and on which ticket.") var history = false
    @Flag(help: "Print the document's exact bytes and nothing else.") var document = false
    @Flag(help: "Print the document that judges, the set over its parents, and nothing else.") var effective = false

    func validate() throws {
        if document, effective { throw ValidationError("give either --document or --effective") }
    }

    func run() async throws {
        if history {
            let page = try await connection.client().referenceHistory(name)
            return try output.write(page) { ReferenceText.history(page.items) }
        }
        let detail = try await connection.client().reference(name, version: version)
        if document || effective {
            let bytes = effective ? detail.effective ?? detail.document : detail.document
            let text = String(decoding: bytes.bytes, as: UTF8.self)
            return StandardOutput.write(
                StandardOutput.isTerminal ? TerminalText.escaped(text, keepingLines: true) : text)
        }
        try output.write(detail) { ReferenceText.review(detail) }
    }
}
