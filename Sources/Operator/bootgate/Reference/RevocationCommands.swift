import ArgumentParser
import AttestationMessages
import ByteParsing
import FoundationEssentials
import ReferenceValues
import TCGEventLog
import VerifierClient

struct RevocationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revocations", abstract: "What is known to be vulnerable: make, import and show a dated feed.",
        discussion: """
            EXAMPLES
              bootgate reference revocations make --date 2026-11-01T00:00:00Z --dbx dbx_info_msft_latest.json > feed.json
              bootgate reference revocations import feed.json --reason 'monthly update'
            """,
        subcommands: [RevocationsMake.self, RevocationsImport.self, RevocationsShow.self])
}

struct RevocationsMake: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Make a feed from vendors' files, offline.",
        discussion: """
            --dbx takes Microsoft's dbx_info JSON (with --arch) or a dbx update file; --sbat a file with the text of an \
            SbatLevel. A component is NAME=DIGEST[=CVE,CVE].

            EXAMPLES
              bootgate reference revocations make --date 2026-11-01T00:00:00Z --dbx dbx_info_msft_latest.json --arch x64
              bootgate reference revocations make --date 2026-11-01T00:00:00Z --dbx DBXUpdate.bin --sbat sbat-level.txt \\
                --component 'grub 2.02=sha256:2975…=CVE-2020-10713' > feed.json
            """)
    @Option(help: "As of when, such as 2026-11-01T00:00:00Z.") var date: Instant
    @Option(help: "Microsoft's dbx_info JSON, or a dbx (update) file.") var dbx: String?
    @Option(help: "Whose images of a dbx_info JSON: x64, ia32, aarch64, arm.") var arch = "x64"
    @Option(help: "A file with the text of an SbatLevel: sbat,1,2024010900 and one component,generation a line.")
    var sbat: String?
    @Option(help: "NAME=DIGEST[=CVE,CVE]; may be repeated.") var component: [String] = []

    func run() throws {
        var feed = RevocationFeed(
            date: RFC3339.text(date.milliseconds), provenance: [], dbx: [], sbat: [], components: [])
        if let dbx {
            let bytes = try InputFile.readInput(dbx)
            feed.dbx = try reading(dbx) { try Self.hashes(bytes, arch) }.sorted()
            feed.provenance.append(dbx)
        }
        if let sbat {
            let bytes = try InputFile.readInput(sbat)
            guard let level = SBATLevel(bytes[...]) else {
                throw Failure(.malformedInput, "\(sbat): no SbatLevel (first line sbat,GENERATION,DATE)")
            }
            feed.sbat = level.entries.map { "\($0.component),\($0.generation)" }
            feed.provenance.append(sbat)
        }
        for text in component {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard (2...3).contains(parts.count) else {
                throw Failure(.usage, "--component \(text): NAME=DIGEST[=CVE,CVE]")
            }
            feed.components.append(
                RevocationFeed.Component(
                    name: parts[0], digests: [parts[1]],
                    cves: parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : []))
        }
        _ = try reading("the feed") { try CompiledRevocations(feed) }
        StandardOutput.write(String(decoding: try feed.encoded(), as: UTF8.self))
    }

    /// Microsoft's `dbx_info_msft_latest.json`, as far as it is needed.
    private struct DBXInfo: Decodable {
        struct Image: Decodable {
            var authenticodeHash: String
            var hashType: String
        }
        var images: [String: [Image]]
    }

    private static func hashes(_ bytes: [UInt8], _ arch: String) throws -> Set<String> {
        if bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{") {
            let info: DBXInfo
            do { info = try JSONDecoder().decode(DBXInfo.self, from: Data(bytes)) } catch {
                throw Failure(.malformedInput, "no dbx_info JSON: \(error)")
            }
            guard let images = info.images[arch] else {
                throw Failure(
                    .malformedInput, "images: no \(arch), only \(info.images.keys.sorted().joined(separator: ", "))")
            }
            return Set(images.filter { $0.hashType == "SHA256" }.map { $0.authenticodeHash.lowercased() })
        }
        let lists = try SignatureDatabase(parsing: bytes).lists.filter { $0.signatureType == .sha256 }
        return Set(lists.flatMap(\.entries).map { Hex.encode($0.data) })
    }
}

struct RevocationsImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import a feed: it counts for every group from the next evidence on.",
        discussion: """
            The feed's date never goes back. Nodes whose dbx or SBAT level is older get a warning, or fail where their group's \
            settings say staleRevocations: fail; a booted component that the feed names fails everywhere.

            EXAMPLES
              bootgate reference revocations import feed.json --reason 'monthly update'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The feed, or - for standard input.") var file: String
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Flag(help: "Check the feed, import nothing.") var dryRun = false

    func run() async throws {
        let bytes = try InputFile.readInput(file)
        let feed = try reading(file) { try RevocationFeed(parsing: bytes) }
        if dryRun { return try output.write(feed) { "dry run: the feed of \(feed.date) is sound" } }
        let view = try await connection.client().importRevocations(
            RevocationImport(document: WireBytes(bytes), reason: reason))
        try output.write(view) { RevocationText.text(view) }
    }
}

struct RevocationsShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the feed that counts, and how old it is.",
        discussion: """
            EXAMPLES
              bootgate reference revocations show -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let view = try await connection.client().revocations()
        try output.write(view) { RevocationText.text(view) }
    }
}

enum RevocationText {
    static func text(_ view: RevocationView) -> String {
        var fields = FieldList()
        fields.add("As of", Timestamp.withAge(view.dateMilliseconds))
        fields.add("dbx", "\(view.dbxCount) digests")
        fields.add("SBAT", view.sbat.isEmpty ? "-" : view.sbat.joined(separator: "; "))
        fields.add("Components", String(view.componentCount))
        fields.add(
            "Imported", "by \(view.importedBy), \(Timestamp.withAge(view.importedAtMilliseconds)): \(view.reason)")
        fields.add("SHA-256", view.documentSHA256)
        return fields.text
    }
}
