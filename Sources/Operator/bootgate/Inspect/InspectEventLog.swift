import Appraisal
import ArgumentParser
import ReferenceValues
import TCGEventLog
import TPMStructures

struct InspectEventLog: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eventlog", abstract: "Read a boot event log, replay it, and list what it breaks.",
        discussion: """
            An event's type and, unless dataVerified is true, its data are covered by no digest: whoever sent the log chose \
            them. With --pcrs, each register that the log extends is compared with the given value.

            A CC event log (ACPI table CCEL of a confidential VM) names measurement registers: mr1 to mr4 are RTMR 0 to 3 of \
            TDX. The log's own words say which kind it is; --registers says it instead of them.

            A quirk is a known deviation of firmware, boot loader or system; the manual's table of quirks explains each name.

            --diff compares with an earlier boot's log, or with one that is held to be good: event by event what changed, the \
            likely cause and the next step. Which events differ follows from digests alone; names and causes are guesses from \
            the logs' words.

            EXAMPLES
              bootgate inspect eventlog eventlog.bin
              bootgate inspect eventlog today.bin --diff yesterday.bin
              bootgate inspect eventlog eventlog.bin --pcrs pcrs.yaml -o json
              bootgate inspect eventlog /sys/firmware/acpi/tables/data/CCEL
            """)
    @Argument(help: "The log: binary_bios_measurements, or - for standard input.") var file: String
    @Option(help: "Register values: tpm2_pcrread's YAML, or JSON {\"sha256\":{\"0\":\"hex\"}}.") var pcrs: String?
    @Option(help: "What the log's indices name: tpm (PCRs) or cc (measurement registers). Default: what the log says.")
    var registers: LogKind?
    @Option(help: ArgumentHelp("An earlier boot's log to compare with.", valueName: "other")) var diff: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if diff != nil, pcrs != nil { throw ValidationError("--pcrs belongs to one log; give it without --diff") }
    }

    func run() throws {
        let bytes = try InputFile.readInput(file)
        let kind = registers.flatMap { LoggedRegisters(rawValue: $0.rawValue) }
        let log = try reading(file) { try TCGEventLog(parsing: bytes, registers: kind) }
        if let diff { return try compare(log, with: diff, kind) }
        let values = try pcrs.map { path in
            try reading(path) { try PCRTable.parse(InputFile.readInput(path)) }
        }
        let report = EventLogReport(log, values)
        try output.write(report) { report.text }
    }

    private func compare(_ log: TCGEventLog, with other: String, _ kind: LoggedRegisters?) throws {
        let bytes = try InputFile.readInput(other)
        let earlier = try reading(other) { try TCGEventLog(parsing: bytes, registers: kind) }
        let comparison: BootComparison
        do throws(BootComparison.Failure) {
            comparison = try BootComparison(from: earlier, to: log)
        } catch {
            throw Failure(.malformedInput, "\(file), \(other): \(error)")
        }
        let report = EventLogDiff(comparison, before: (other, earlier), after: (file, log))
        try output.write(report) { report.text }
    }
}

enum LogKind: String, ExpressibleByArgument, CaseIterable {
    case tpm, cc
}

/// What `inspect eventlog -o json` prints.
struct EventLogReport: Encodable {
    struct Event: Encodable {
        var index: Int
        var pcr: Int?
        /// Index of the measurement register, only in a CC event log; `pcr` is then null.
        var mr: Int?
        var untrustedType: String
        var digests: [String: String]
        /// true, false or null.
        var dataVerified: Bool?
        var description: String

        private enum Keys: String, CodingKey {
            case index, pcr, mr, untrustedType, digests, dataVerified, description
        }

        /// Writes null for what is nil: the contract names every key.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(index, forKey: .index)
            try container.encode(pcr, forKey: .pcr)
            try container.encodeIfPresent(mr, forKey: .mr)
            try container.encode(untrustedType, forKey: .untrustedType)
            try container.encode(digests, forKey: .digests)
            try container.encode(dataVerified, forKey: .dataVerified)
            try container.encode(description, forKey: .description)
        }
    }

    struct Quirk: Encodable {
        var quirk: String
        var pcr: Int?
        var count: Int
        var subjects: [String]
        var events: [Int]
        var finding: String?
        var waivable: Bool
        var meaning: String
    }

    var format: String
    var banks: [String]
    var eventCount: Int
    /// Unused bytes of a firmware table behind the last event.
    var paddingBytes: Int
    var startupLocality: Int
    var events: [Event]
    /// Only registers that the log extends; empty for a CC event log.
    var pcrs: PCRTable.Hexadecimal
    /// Only for a CC event log: `{"sha384":{"mr1":"hex"}}`, registers that it extends.
    var registers: PCRTable.Hexadecimal?
    /// `match` or `mismatch`; only with `--pcrs`, and only registers that it names.
    var replay: [String: [String: String]]?
    var findings: [Finding]
    var quirks: [Quirk]

    init(_ log: TCGEventLog, _ values: PCRValues?) {
        format = log.format.rawValue
        banks = log.banks.map(\.name)
        let isConfidential = log.registers == .measurementRegisters
        events = log.events.map { event in
            let register = event.pcr.map { Int($0.rawValue) }
            return Event(
                index: event.index, pcr: isConfidential ? nil : register, mr: isConfidential ? register : nil,
                untrustedType: event.untrustedEventType.description,
                digests: Dictionary(event.digests.map { ($0.algorithm.name, $0.hex) }) { first, _ in first },
                dataVerified: event.dataVerified, description: event.description)
        }
        eventCount = events.count
        paddingBytes = log.padding.count
        let result = log.replay()
        startupLocality = Int(result.startupLocality)
        let extended = PCRTable.hexadecimal(result.values) { result.extended[$0]?.contains($1) ?? false }
        pcrs = isConfidential ? [:] : extended
        if isConfidential {
            registers = extended.mapValues { table in
                Dictionary(uniqueKeysWithValues: table.map { ("mr\($0.key)", $0.value) })
            }
        }
        let broken = log.findings()
        // A confidential VM's registers stand for several PCRs each, of several layers.
        func layer(_ pcr: PCRIndex?) -> LayerID {
            isConfidential ? .firmware : pcr.flatMap { LayerID.layer(ofUnknownEventIn: $0) } ?? .firmware
        }
        let seen = log.quirks(findings: broken)
        findings = broken.map { Finding($0, layer: layer($0.pcr)) }
        findings += seen.filter { $0.quirk.entry.reason == nil }.map { Finding($0, layer: layer($0.pcr)) }
        quirks = seen.map { quirk in
            let about = quirk.quirk.entry
            return Quirk(
                quirk: quirk.quirk.rawValue, pcr: quirk.pcr.map { Int($0.rawValue) }, count: quirk.count,
                subjects: quirk.subjects, events: quirk.eventIndices, finding: about.reason?.rawValue,
                waivable: about.isWaivable && quirk.pcr?.rawValue != 7, meaning: about.meaning)
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
        var table = TextTable("EVENT", registers == nil ? "PCR" : "MR", "DATA", "WHAT")
        for event in events {
            let data = event.dataVerified.map { $0 ? "verified" : "CONTRADICTED" } ?? "label"
            table.add(String(event.index), (event.pcr ?? event.mr).map(String.init), data, event.description)
        }
        let values = registers ?? pcrs
        let lines = values.keys.sorted().flatMap { bank in
            (values[bank] ?? [:]).sorted { ($0.key.count, $0.key) < ($1.key.count, $1.key) }.map { index, hex in
                "\(bank) \(registers == nil ? "PCR " : "")\(index): \(hex)\(replay?[bank]?[index].map { "  \($0)" } ?? "")"
            }
        }
        return [
            "\(format) \(registers == nil ? "" : "CC event ")log, \(eventCount) events, banks \(banks.joined(separator: ", "))",
            table.text,
            lines.joined(separator: "\n"), FindingText.table(findings),
        ].joined(separator: "\n\n")
    }
}
