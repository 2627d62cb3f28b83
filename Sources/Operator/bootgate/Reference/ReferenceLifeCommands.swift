import ArgumentParser
import AttestationMessages
import VerifierClient

struct ReferencePreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Show who would flip if a version were active, on the stored evidence.",
        discussion: """
            Changes nothing. Exit code 3 when more than 10 % of the nodes would lose their pass: activate would refuse.

            EXAMPLES
              bootgate reference preview mec-r740
              bootgate reference preview mec-r740 --version 4 -o json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Version; the newest when left out.") var version: Int?

    func run() async throws {
        let client = try connection.client()
        var named = version
        if named == nil { named = try await client.reference(name).view.version }
        let preview = try await client.previewReference(name, version: named ?? 1)
        try output.write(preview) { ReferenceText.preview(preview) }
        guard preview.exceedsLimit else { return }
        throw Failure(
            .refusedBySafetyCheck,
            "\(preview.newlyFailing) of \(preview.judged) nodes would lose their pass, more than "
                + "\(ReferencePreview.limitPercent) %",
            nextStep: "repair the set, or activate it with --accept-failures as another person than who proposed it")
    }
}

struct ReferenceRollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Make the version before the active one active again.",
        discussion: """
            The version that is rolled back never comes back; draft its content as a new version. Nodes that failed only \
            under it are cleared by appraising the same evidence again, and asked to attest.

            EXAMPLES
              bootgate reference rollback mec-r740 --reason 'kernel 6.1.0-31 was missing' --ticket INC-7
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Why; goes to the audit log and to the SIEM.") var reason: String
    @Option(help: "The incident's number in your own system.") var ticket: String?

    func run() async throws {
        let rollback = try await connection.client().rollbackReference(
            name, ReferenceRollbackRequest(reason: reason, ticket: ticket))
        try output.write(rollback) { ReferenceText.rollback(rollback) }
    }
}

struct ReferenceExpire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expire", abstract: "End a version now, or earlier than its document says.",
        discussion: """
            An end only comes earlier. Nodes whose active set has ended are not appraised (verdict error, REF_EXPIRED).

            EXAMPLES
              bootgate reference expire mec-r740 --version 3 --at 2027-01-31T00:00:00Z --reason 'end of support'
              bootgate reference expire mec-r740 --version 3 --at now --reason 'withdrawn' --ticket CHG-91
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Version.") var version: Int
    @Option(help: "The new end: RFC 3339 in UTC, or now.") var at: ReferenceEnd
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Option(help: "The change's number in your own system.") var ticket: String?

    func run() async throws {
        let client = try connection.client()
        let known = try await client.reference(name, version: version).view
        let view = try await client.act(
            .expire, onReference: name, version: version,
            ReferenceActRequest(
                documentSHA256: known.documentSHA256, reason: reason, ticket: ticket,
                atMilliseconds: at.instant?.milliseconds))
        try output.write(view) { ReferenceText.detail(view) }
    }
}

/// `now` is the verifier's, not this machine's.
struct ReferenceEnd: ExpressibleByArgument {
    var instant: Instant?

    init?(argument: String) {
        guard argument != "now" else { return }
        guard let instant = Instant(argument: argument) else { return nil }
        self.instant = instant
    }
}
