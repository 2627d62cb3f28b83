import Appraisal
import ArgumentParser
import AttestationMessages
import ReferenceValues
import VerifierClient

struct ReferenceCaptureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture", abstract: "Make a draft set from what nodes have shown; never used before approval.",
        discussion: """
            With --node the verifier makes the draft from the nodes' last evidence and stores it. With --evidence the draft is \
            made here, offline, and printed as the document that --references of appraise takes.

            Give several machines of one model and role: the report says over how many machines what is the same, what is \
            each machine's own (boot order, boot entries, partition GUIDs, …), and the rule proposed for each: any of the \
            contents seen, an optional event, any order, or one event of any content (only where each machine has its own, \
            in PCR 1, 3, 5 and 6). As a table it follows the set; in JSON --report prints it with the set in it, and --node \
            always holds it.

            EXAMPLES
              bootgate reference capture mec-r740 --group mec --node edge-01
              bootgate reference capture --evidence measured-boot/golden -o json > golden.json
              bootgate reference capture --evidence edge-01/ edge-02/ edge-03/ --report -o json | jq .differences
              bootgate reference capture --evidence measured-boot/golden --runtime -o json > golden-runtime.json
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The set's name.") var name: String?
    @Option(help: "The group that the set is for.") var group: String = "default"
    @Option(name: .customLong("node"), help: "A node whose last evidence is taken; may be repeated.")
    var nodes: [NodeID] = []
    @Option(parsing: .upToNextOption, help: "Offline: evidence folders or bundles.") var evidence: [String] = []
    @Flag(help: "Offline: also cover what runs, by path and digest of each file of the measurement lists (ima_binary).")
    var runtime = false
    @Flag(help: "Offline: print what is the same and what is not, with the set in it, in place of the set alone.")
    var report = false
    @Option(help: "A note for those who approve.") var note: String?

    func validate() throws {
        if nodes.isEmpty == evidence.isEmpty { throw ValidationError("name either --node or --evidence") }
        if runtime, evidence.isEmpty { throw ValidationError("--runtime goes with --evidence") }
        if report, evidence.isEmpty { throw ValidationError("--report goes with --evidence; --node always reports") }
        if !nodes.isEmpty, name == nil { throw ValidationError("a stored set needs a name") }
    }

    func run() async throws {
        if evidence.isEmpty {
            let detail = try await connection.client().draftReference(
                ReferenceDraftRequest(
                    name: name ?? "", group: group, document: nil, captureFrom: nodes, note: note))
            let report = try detail.capture.map(CaptureReportText.text)
            try output.write(detail) {
                [ReferenceText.detail(detail.view), report].compactMap(\.self).joined(separator: "\n\n")
            }
        } else {
            try captureOffline()
        }
    }

    private func captureOffline() throws {
        let sources = try evidence.map { path in
            let evidence = try OfflineEvidence.load(path)
            let check = QuoteCheck(evidence)
            guard let pcrs = check.pcrs, !check.findings.contains(where: { $0.tier == .contraindicated }) else {
                let reasons = check.findings.map { "\($0.id): \($0.detail)" }.joined(separator: "; ")
                throw Failure(.verdictError, "\(path): no verified registers to capture from: \(reasons)")
            }
            guard let log = evidence.eventLog else {
                throw Failure(.verdictError, "\(path): no event log to capture from")
            }
            return ReferenceCapture.Source(
                pcrs: pcrs, eventLog: log, label: path, measurementList: evidence.measurementList)
        }
        let captured: ReferenceCapture.Captured
        do throws(ReferenceCapture.Failure) {
            captured = try ReferenceCapture.capture(
                name: name ?? "captured", group: group, from: sources,
                layers: LayerID.boot + (runtime ? [.runtime] : []))
        } catch {
            switch error {
            case .unreadable: throw Failure(.malformedInput, error.description)
            case .noSource, .replay, .noBank, .measurementList: throw Failure(.verdictError, error.description)
            }
        }
        var draft = captured.set
        draft.description = note
        guard report else {
            return try output.write(draft) {
                ReferenceSetText.text(draft) + "\n\n" + CaptureReportText.text(captured.report)
            }
        }
        try output.write(ReportedCapture(set: draft, report: captured.report)) {
            CaptureReportText.text(captured.report)
        }
    }
}

/// The members of the report, and the set.
private struct ReportedCapture: Encodable {
    var set: ReferenceSet
    var report: CaptureReport

    private enum CodingKeys: String, CodingKey { case set }

    func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(set, forKey: .set)
    }
}
