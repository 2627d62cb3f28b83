import ArgumentParser
import AttestationMessages
import VerifierClient

struct ReferencePropose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "propose", abstract: "Propose a draft for approval, or a document of your own.",
        discussion: """
            The exact bytes are signed with your own key (P-256); the verifier checks the signature now and whenever it loads \
            the set.

            EXAMPLES
              bootgate reference propose mec-r740 --reason 'first capture'
              bootgate reference propose mec-r740 --document @mec-r740.json --group mec --reason 'edited by hand'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Version; the newest when left out.") var version: Int?
    @Option(help: "A document that becomes the next version first: @FILE, or - for standard input.")
    var document: ValueArgument?
    @Option(help: "With --document: the group that the set is for.") var group: String = "default"
    @Option(help: "Why; goes to the audit log.") var reason: String

    func run() async throws {
        let client = try connection.client()
        let detail: ReferenceDetail
        if let document {
            detail = try await client.draftReference(
                ReferenceDraftRequest(
                    name: name, group: group, document: WireBytes(try document.read()), captureFrom: [], note: reason))
        } else {
            detail = try await client.reference(name, version: version)
        }
        let view = try await ReferenceActs.sign(.propose, detail, reason: reason, client)
        try output.write(view) { ReferenceText.detail(view) }
    }
}

/// `approve` and `reject` name the digest that the operator saw: nobody approves what they did not read.
struct ReferenceApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approve what another operator proposed.",
        discussion: """
            The exact bytes of this SHA-256 are signed with your own key (P-256); the verifier checks the signature now and \
            whenever it loads the set.

            EXAMPLES
              bootgate reference approve mec-r740 --sha256 9f86… --reason 'compared with the vendor list'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Version; the newest when left out.") var version: Int?
    @Option(help: "SHA-256 of the document that you read, hex (reference show).") var sha256: String
    @Option(help: "Why; goes to the audit log.") var reason: String

    func run() async throws {
        let client = try connection.client()
        let detail = try await client.reference(name, version: version)
        // What is signed is what was read: the digest on the command line against the bytes that came.
        guard ProtocolBinding.documentSHA256(detail.document.bytes) == sha256.lowercased() else {
            throw Failure(
                .refusedBySafetyCheck, "\(name)@\(detail.view.version) is not the document of SHA-256 \(sha256)",
                nextStep: "read it again: bootgate reference show \(name) --version \(detail.view.version)")
        }
        let view = try await ReferenceActs.sign(.approve, detail, reason: reason, client)
        try output.write(view) { ReferenceText.detail(view) }
    }
}

struct ReferenceReject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject", abstract: "Reject what another operator proposed.",
        discussion: """
            EXAMPLES
              bootgate reference reject mec-r740 --sha256 9f86… --reason 'unknown option ROM'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Version; the newest when left out.") var version: Int?
    @Option(help: "SHA-256 of the document that you read, hex (reference show).") var sha256: String
    @Option(help: "Why; goes to the audit log.") var reason: String

    func run() async throws {
        let view = try await ReferenceActs.perform(
            .reject, name, version, sha256: sha256, reason: reason, try connection.client())
        try output.write(view) { ReferenceText.detail(view) }
    }
}

struct ReferenceActivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate", abstract: "Make an approved set the one that its group is appraised against.",
        discussion: """
            The verifier appraises the stored evidence of every node concerned first, and refuses (exit code 3) when \
            more than 10 % of them would lose their pass. Another person than who proposed the set may accept so many \
            failures by number. With --staged it judges 1 % of the nodes first, then 10 %, then all, and halts by itself \
            (reference rollout).

            EXAMPLES
              bootgate reference activate mec-r740 --reason 'change 88' --ticket CHG-88
              bootgate reference activate mec-r740 --staged --dwell-minutes 60 --reason 'change 88'
              bootgate reference activate mec-r740 --accept-failures 3 --reason 'three retired machines'
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String
    @Option(help: "Version; the newest when left out.") var version: Int?
    @Option(help: "Why; goes to the audit log.") var reason: String
    @Option(help: "The change's number in your own system.") var ticket: String?
    @Option(help: "So many nodes may lose their pass; not from who proposed the set.") var acceptFailures: Int?
    @Flag(help: "In stages: 1 %, 10 %, all.") var staged = false
    @Option(help: "With --staged: shortest time of each stage, 1 to 10080; 10 when left out.") var dwellMinutes: Int?

    func validate() throws {
        guard let dwellMinutes else { return }
        guard staged else { throw ValidationError("--dwell-minutes goes with --staged") }
        guard (1...10_080).contains(dwellMinutes) else { throw ValidationError("--dwell-minutes is 1 to 10080") }
    }

    func run() async throws {
        let client = try connection.client()
        let known = try await client.reference(name, version: version).view
        guard !staged else {
            let view = try await client.startRollout(
                name, version: known.version,
                RolloutRequest(
                    documentSHA256: known.documentSHA256, reason: reason, ticket: ticket,
                    acceptFailures: acceptFailures, dwellMilliseconds: dwellMinutes.map { Int64($0) * 60_000 }))
            return try output.write(view) { RolloutText.detail(view) }
        }
        let view = try await client.act(
            .activate, onReference: name, version: known.version,
            ReferenceActRequest(
                documentSHA256: known.documentSHA256, reason: reason, ticket: ticket, acceptFailures: acceptFailures))
        try output.write(view) { ReferenceText.detail(view) }
    }
}

private enum ReferenceActs {
    /// Proposes or approves a document, signed with the operator's own key.
    static func sign(
        _ act: ReferenceAct, _ detail: ReferenceDetail, reason: String, _ client: VerifierClient
    ) async throws -> ReferenceView {
        try await client.act(
            act, onReference: detail.view.name, version: detail.view.version, document: detail.document.bytes,
            reason: reason
        ) { isSigned in
            if !isSigned {
                StandardError.write(
                    "warning: not signed: your key is no P-256 key, which reference sets are signed with")
            }
        }
    }

    static func perform(
        _ act: ReferenceAct, _ name: String, _ version: Int?, sha256: String?, reason: String, _ client: VerifierClient
    ) async throws -> ReferenceView {
        let view = try await client.reference(name, version: version).view
        return try await client.act(
            act, onReference: name, version: view.version,
            ReferenceActRequest(documentSHA256: sha256 ?? view.documentSHA256, reason: reason))
    }
}
