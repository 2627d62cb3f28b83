import Appraisal
import ArgumentParser
import IMAMeasurementList
import TCGEventLog
import TPMCryptography
import TPMStructures

struct InspectEvidence: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence", abstract: "Say what a bundle or an evidence folder holds, and verify its quote.",
        discussion: """
            EXAMPLES
              bootgate inspect evidence measured-boot/golden
              bootgate inspect evidence bundle.json -o json
            """)
    @Argument(help: "A folder, or a bundle that bootgate-agent capture wrote.") var path: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let evidence = try OfflineEvidence.load(path)
        let log = try evidence.eventLog.map { bytes in
            try reading("\(path): event log") { try TCGEventLog(parsing: bytes) }
        }
        let check = QuoteCheck(evidence)
        let list = try evidence.measurementList.map { bytes in
            try reading("\(path): measurement list") { try EvidenceReport.ListSummary(bytes, check.pcrs) }
        }
        let report = EvidenceReport(evidence, check, log, list)
        try output.write(report) { report.text }
    }
}

/// What `inspect evidence -o json` prints.
struct EvidenceReport: Encodable {
    var binding = "nonce-only"
    var quote: QuoteReport
    var eventLog: EventLogSummary?
    /// The IMA measurement list.
    var measurementList: ListSummary?
    var ekCertificates: Int

    struct ListSummary: Encodable {
        var bytes: Int
        var entryCount: Int
        /// Entries that the quote stands for; null where it stands for no prefix, or nothing was verified.
        var matchedPrefix: Int?
        /// `agrees`, `disagrees`, or `unchecked` where no verified registers are there to compare with.
        var replay: String

        init(_ list: [UInt8], _ pcrs: AttestedPCRs?) throws {
            bytes = list.count
            guard let pcrs, var verification = IMAListVerification(attested: pcrs) else {
                var parser = IMAListParser()
                try parser.append(list.span) { _ in }
                try parser.finish { _ in }
                entryCount = parser.entryCount
                replay = "unchecked"
                return
            }
            try verification.append(list.span)
            let outcome = try verification.finish()
            entryCount = verification.entryCount
            matchedPrefix = outcome.replayed?.entryCount
            switch outcome {
            case .agrees: replay = "agrees"
            case .disagrees: replay = "disagrees"
            case .nothingToCompare: replay = "unchecked"
            }
        }
    }

    struct EventLogSummary: Encodable {
        var bytes: Int
        var eventCount: Int
        var banks: [String]
        /// `agrees`, `disagrees`, or `unchecked` where no verified registers are there to compare with.
        var replay: String
    }

    init(_ evidence: OfflineEvidence, _ check: QuoteCheck, _ log: TCGEventLog?, _ list: ListSummary?) {
        measurementList = list
        quote = QuoteReport(check, checkedRegisters: true)
        ekCertificates = evidence.ekCertificates.count
        guard let log else { return }
        let replay = check.pcrs.map { log.replay(against: $0, covering: TCGEventLog.firmwarePCRs) }
        eventLog = EventLogSummary(
            bytes: log.bytes.count, eventCount: log.events.count, banks: log.banks.map(\.name),
            replay: replay.map { $0.replayed == nil ? "disagrees" : "agrees" } ?? "unchecked")
    }

    var text: String {
        var fields = FieldList()
        fields.add(
            "Event log",
            eventLog.map { "\($0.eventCount) events, \($0.bytes) bytes, replay \($0.replay)" } ?? "none")
        fields.add(
            "Measurement list",
            measurementList.map { list in
                let prefix = list.matchedPrefix.map { ", the quote stands for \($0)" } ?? ""
                return "\(list.entryCount) entries, \(list.bytes) bytes, replay \(list.replay)\(prefix)"
            } ?? "none")
        fields.add("EK certificates", String(ekCertificates))
        fields.add("Binding", "nonce-only: nobody challenged this evidence")
        return quote.text + "\n\n" + fields.text
    }
}
