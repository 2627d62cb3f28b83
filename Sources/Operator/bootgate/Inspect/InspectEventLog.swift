import Appraisal
import ArgumentParser
import ReferenceValues
import TCGEventLog
import TPMStructures

struct InspectEventLog: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eventlog", abstract: "Read a boot event log, replay it, and list what it breaks.",
        discussion: """
            An event's type and, unless dataVerified is true, its data are covered by no digest: whoever sent the log chose
            them. With --pcrs, each register that the log extends is compared with the given value.

            EXAMPLES
              bootgate inspect eventlog eventlog.bin
              bootgate inspect eventlog eventlog.bin --pcrs pcrs.yaml -o json
            """)
    @Argument(help: "The log: binary_bios_measurements, or - for standard input.") var file: String
    @Option(help: "Register values: tpm2_pcrread's YAML, or JSON {\"sha256\":{\"0\":\"hex\"}}.") var pcrs: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let bytes = try InputFile.readInput(file)
        let log = try reading(file) { try TCGEventLog(parsing: bytes) }
        let values = try pcrs.map { path in
            try reading(path) { try PCRTable.parse(InputFile.readInput(path)) }
        }
        let report = EventLogReport(log, values)
        try output.write(report) { report.text }
    }
}

/// What `inspect eventlog -o json` prints.
struct EventLogReport: Encodable {
    struct Event: Encodable {
        var index: Int
        var pcr: Int?
        var untrustedType: String
        var digests: [String: String]
        /// true, false or null.
        var dataVerified: Bool?
        var description: String

        private enum Keys: String, CodingKey {
            case index, pcr, untrustedType, digests, dataVerified, description
        }

        /// Writes null for what is nil: the contract names every key.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(index, forKey: .index)
            try container.encode(pcr, forKey: .pcr)
            try container.encode(untrustedType, forKey: .untrustedType)
            try container.encode(digests, forKey: .digests)
            try container.encode(dataVerified, forKey: .dataVerified)
            try container.encode(description, forKey: .description)
        }
    }

    var format: String
    var banks: [String]
    var eventCount: Int
    var events: [Event]
    /// Only registers that the log extends.
    var pcrs: PCRTable.Hexadecimal
    /// `match` or `mismatch`; only with `--pcrs`, and only registers that it names.
    var replay: [String: [String: String]]?
    var findings: [Finding]

    init(_ log: TCGEventLog, _ values: PCRValues?) {
        format = log.format.rawValue
        banks = log.banks.map(\.name)
        events = log.events.map { event in
            Event(
                index: event.index, pcr: event.pcr.map { Int($0.rawValue) },
                untrustedType: event.untrustedEventType.description,
                digests: Dictionary(event.digests.map { ($0.algorithm.name, $0.hex) }) { first, _ in first },
                dataVerified: event.dataVerified, description: event.description)
        }
        eventCount = events.count
        let result = log.replay()
        pcrs = PCRTable.hexadecimal(result.values) { result.extended[$0]?.contains($1) ?? false }
        findings = log.findings().map { finding in
            Finding(finding, layer: finding.pcr.flatMap { LayerID.layer(ofUnknownEventIn: $0) } ?? .firmware)
        }
        guard let values else { return }
        compare(log, result, values)
    }

    private mutating func compare(_ log: TCGEventLog, _ result: PCRReplay, _ values: PCRValues) {
        var table: [String: [String: String]] = [:]
        for (bank, registers) in result.extended.sorted(by: { $0.key < $1.key }) {
            for pcr in registers.indices {
                guard let held = values[bank, pcr], let replayed = result.values[bank, pcr] else { continue }
                table[bank.name, default: [:]][pcr.description] = held == replayed ? "match" : "mismatch"
                guard held != replayed else { continue }
                findings.append(
                    Finding(
                        FindingID.replay, .contraindicated, LayerID.layer(ofUnknownEventIn: pcr) ?? .firmware,
                        pcr: Int(pcr.rawValue), name: "PCR \(pcr)", expected: replayed.description,
                        seen: held.description,
                        detail: "PCR \(pcr) (\(bank)) does not hold what the log adds up to"))
            }
        }
        replay = table
    }

    var text: String {
        var table = TextTable("EVENT", "PCR", "DATA", "WHAT")
        for event in events {
            let data = event.dataVerified.map { $0 ? "verified" : "CONTRADICTED" } ?? "label"
            table.add(String(event.index), event.pcr.map(String.init), data, event.description)
        }
        let registers = pcrs.keys.sorted().flatMap { bank in
            (pcrs[bank] ?? [:]).sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }.map { index, hex in
                "\(bank) PCR \(index): \(hex)\(replay?[bank]?[index].map { "  \($0)" } ?? "")"
            }
        }
        return [
            "\(format) log, \(eventCount) events, banks \(banks.joined(separator: ", "))", table.text,
            registers.joined(separator: "\n"), FindingText.table(findings),
        ].joined(separator: "\n\n")
    }
}
