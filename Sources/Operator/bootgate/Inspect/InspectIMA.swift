import Appraisal
import ArgumentParser
import ByteParsing
import IMAMeasurementList
import ReferenceValues
import TPMStructures

struct InspectIMA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ima", abstract: "Read an IMA measurement list, replay it, and list what it breaks.",
        discussion: """
            Binary or ASCII, any of the kernel's templates, either byte order, template digests of 20 to 64 bytes. An \
            ASCII list is for reading only: a file's name with a newline forges a line of it.

            With --pcrs, the longest prefix is looked for that makes the given values of PCR 10, in every bank that is \
            given; entries behind it wait for a later quote. The boot aggregate is compared with PCR 0 to 9, where they \
            are given.

            EXAMPLES
              bootgate inspect ima /sys/kernel/security/ima/binary_runtime_measurements
              bootgate inspect ima ima_binary --pcrs pcrs.yaml -o json
              bootgate inspect ima ima_binary --entries
            """)
    @Argument(help: "The list: binary_runtime_measurements or ascii_runtime_measurements, or - for standard input.")
    var file: String
    @Option(help: "Register values: tpm2_pcrread's YAML, or JSON {\"sha256\":{\"10\":\"hex\"}}.") var pcrs: String?
    @Flag(help: "List every entry.") var entries = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        let bytes = try InputFile.readInput(file)
        let values = try pcrs.map { path in
            try reading(path) { try PCRTable.parse(InputFile.readInput(path)) }
        }
        let report = try reading(file) { try IMAReport(bytes, values, listsEntries: entries) }
        try output.write(report) { report.text }
    }
}

/// What `inspect ima -o json` prints.
struct IMAReport: Encodable {
    struct Entry: Encodable {
        var index: Int
        var offset: Int
        var pcr: Int
        var template: String
        var templateDigest: String
        var violation: Bool
        /// `sha256:hex`, `verity:sha256:hex`.
        var fileDigest: String?
        /// Escaped: one line, and different names look different.
        var name: String?
        /// Hexadecimal.
        var signature: String?
    }
    struct BootAggregate: Encodable {
        var entry: Int
        var digest: String
        /// `agrees`, `disagrees`, `without-tpm` or `unknown`; only with `--pcrs`.
        var comparison: String?
    }

    var format: String
    var entryCount: Int
    var templates: [String: Int]
    var violations: Int
    /// Entries whose data has the listed template digest, and those whose data has another one.
    var templateDigests: [String: Int]
    var bootAggregate: BootAggregate?
    /// The registers that the list extends, by the kernel's own digest of each bank.
    var pcrs: PCRTable.Hexadecimal
    /// The same with the SHA-1 template digest filled up with zeros, for banks that a kernel could not hash.
    var paddedSHA1: PCRTable.Hexadecimal
    /// Entries of the longest prefix that makes the given values of PCR 10; null without `--pcrs` or such a prefix.
    var matchedPrefix: Int?
    /// For each bank that matched, `native`, `padded-sha1` or `padded-sha1-and-violations`.
    var matchedAs: [String: String]?
    var findings: [Finding]
    /// Only with `--entries`.
    var entries: [Entry]?

    private enum Keys: String, CodingKey {
        case format, entryCount, templates, violations, templateDigests, bootAggregate, pcrs, paddedSHA1
        case matchedPrefix, matchedAs, findings, entries
    }

    init(_ bytes: [UInt8], _ values: PCRValues?, listsEntries: Bool) throws {
        var banks: Set<PCRBank> = [.sha1, .sha256]
        for bank in values?.banks.keys.sorted() ?? [] { banks.insert(bank) }
        var replay = IMAReplay(lanes: banks.flatMap { bank in IMAExtension.allCases.compactMap { IMALane(bank, $0) } })
        var verification = values.flatMap {
            IMAListVerification(againstUnsigned: $0, modes: Set(IMAExtension.allCases))
        }
        var parser = IMAListParser()
        var templates: [String: Int] = [:]
        var list: [Entry] = []
        let note = { (entry: IMAMeasurement) in
            replay.add(entry)
            templates[IMAText.escape(entry.untrustedTemplateName), default: 0] += 1
            if listsEntries { list.append(Entry(entry)) }
        }
        try parser.append(bytes.span, note)
        try parser.finish(note)
        format = parser.layout?.description ?? "empty"
        entryCount = replay.entryCount
        self.templates = templates
        violations = replay.violationCount
        let wrong = replay.tally(.templateDigest).count
        templateDigests = ["matching": entryCount - violations - wrong, "notMatching": wrong]
        pcrs = Self.table(replay, .native)
        paddedSHA1 = Self.table(replay, .paddedSHA1)
        entries = listsEntries ? list : nil
        bootAggregate = replay.bootAggregate.map {
            BootAggregate(
                entry: $0.index, digest: $0.digest.description, comparison: values.map($0.compare)?.word)
        }
        findings = replay.findings(attested: values).map { Finding($0) }
        guard let values, try verification?.append(bytes.span) != nil, let outcome = try verification?.finish() else {
            return
        }
        findings = outcome.findings(attested: values).map { Finding($0) }
        guard let list = outcome.replayed else { return }
        matchedPrefix = list.entryCount
        matchedAs = list.modes.reduce(into: [:]) { $0[$1.key.name] = $1.value.word }
        // What stands behind the prefix is shown too: offline there is no next quote.
        if list.waitingEntries > 0 { findings = replay.findings(attested: values).map { Finding($0) } }
    }

    private static func table(_ replay: IMAReplay, _ mode: IMAExtension) -> PCRTable.Hexadecimal {
        var table: PCRTable.Hexadecimal = [:]
        for lane in replay.lanes where lane.mode == mode {
            for pcr in replay.extended.indices {
                table[lane.bank.name, default: [:]][pcr.description] = replay.value(lane, pcr)?.hex
            }
        }
        return table
    }

    /// Writes null where no prefix matches: the contract names the key.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(format, forKey: .format)
        try container.encode(entryCount, forKey: .entryCount)
        try container.encode(templates, forKey: .templates)
        try container.encode(violations, forKey: .violations)
        try container.encode(templateDigests, forKey: .templateDigests)
        try container.encode(bootAggregate, forKey: .bootAggregate)
        try container.encode(pcrs, forKey: .pcrs)
        try container.encode(paddedSHA1, forKey: .paddedSHA1)
        try container.encode(matchedPrefix, forKey: .matchedPrefix)
        try container.encodeIfPresent(matchedAs, forKey: .matchedAs)
        try container.encode(findings, forKey: .findings)
        try container.encodeIfPresent(entries, forKey: .entries)
    }

    var text: String {
        var fields = FieldList()
        fields.add("List", format)
        let counts = templates.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        fields.add("Entries", "\(entryCount)\(counts.isEmpty ? "" : " (\(counts))"), \(violations) violations")
        fields.add("Boot aggregate", bootAggregate.map { "\($0.digest), entry \($0.entry)" } ?? "none")
        for (title, table) in [("", pcrs), (" (padded SHA-1)", paddedSHA1)] {
            for bank in table.keys.sorted() {
                let values = table[bank] ?? [:]
                for (pcr, value) in values.sorted(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) }) {
                    fields.add("\(bank) PCR \(pcr)\(title)", value)
                }
            }
        }
        if let matchedPrefix {
            let words = (matchedAs ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            fields.add(
                "Matching prefix",
                "\(matchedPrefix) of \(entryCount) entries (\(words.joined(separator: ", ")))")
        }
        var parts = [fields.text]
        if let entries {
            var table = TextTable("ENTRY", "PCR", "TEMPLATE", "DIGEST", "NAME")
            for entry in entries {
                table.add(
                    String(entry.index), String(entry.pcr), entry.template,
                    entry.violation ? "violation" : entry.fileDigest, entry.name)
            }
            parts.append(table.text)
        }
        return (parts + [FindingText.table(findings)]).joined(separator: "\n\n")
    }
}

extension IMAReport.Entry {
    init(_ entry: IMAMeasurement) {
        self.init(
            index: entry.index, offset: entry.offset, pcr: Int(entry.pcr.rawValue),
            template: IMAText.escape(entry.untrustedTemplateName), templateDigest: Hex.encode(entry.templateDigest),
            violation: entry.isViolation, fileDigest: entry.fileDigest?.description,
            name: entry.eventName.map { IMAText.escape($0) }, signature: entry.fileSignature.map { Hex.encode($0) })
    }
}

extension Finding {
    /// What a list breaks by itself, in layer 7.
    fileprivate init(_ finding: IMAFinding) {
        self.init(
            finding.id.rawValue, .contraindicated, .runtime, pcr: finding.pcr.map { Int($0.rawValue) },
            event: finding.entry, name: finding.name.isEmpty ? nil : finding.name,
            expected: finding.expected.isEmpty ? nil : finding.expected,
            seen: finding.seen.isEmpty ? nil : finding.seen, detail: finding.detail)
    }
}

extension IMABootAggregate.Outcome {
    fileprivate var word: String {
        switch self {
        case .agrees: "agrees"
        case .disagrees: "disagrees"
        case .withoutTPM: "without-tpm"
        case .unknown: "unknown"
        }
    }
}

extension IMAExtension {
    fileprivate var word: String {
        switch self {
        case .native: "native"
        case .paddedSHA1: "padded-sha1"
        case .paddedSHA1AndViolations: "padded-sha1-and-violations"
        }
    }
}
