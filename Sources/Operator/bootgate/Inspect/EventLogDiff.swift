import Appraisal
import TCGEventLog
import TPMStructures

/// What `inspect eventlog FILE --diff OTHER -o json` prints.
struct EventLogDiff: Encodable {
    struct Boot: Encodable {
        var file: String
        var format: String
        var banks: [String]
        var eventCount: Int
    }

    /// No event and no register differs.
    var same: Bool
    var before: Boot
    var after: Boot
    /// The bank that the digests are of.
    var bank: String
    var changedRegisters: [Int]
    var causes: [BootChangeCause]
    var changes: [BootChange]

    init(_ comparison: BootComparison, before: (String, TCGEventLog), after: (String, TCGEventLog)) {
        func boot(_ file: String, _ log: TCGEventLog) -> Boot {
            Boot(
                file: file, format: log.format.rawValue, banks: log.banks.map(\.name), eventCount: log.events.count)
        }
        same = comparison.isSame
        self.before = boot(before.0, before.1)
        self.after = boot(after.0, after.1)
        bank = comparison.bank.name
        changedRegisters = comparison.changedRegisters.map { Int($0.rawValue) }
        causes = comparison.causes
        changes = comparison.changes
    }

    var text: String {
        guard !same else {
            return "the same boot: all \(after.eventCount) events measure what they did in \(before.file)"
        }
        let registers = changedRegisters.map(String.init).joined(separator: ", ")
        let title =
            "\(changes.count == 1 ? "1 change" : "\(changes.count) changes") since "
            + "\(TerminalText.escaped(before.file)); registers that differ: \(registers.isEmpty ? "none" : registers)"
        var sections = [title]
        for cause in causes {
            var lines = ["\(cause.weight == .alarming ? "ALARMING: " : "")likely cause: \(cause.title)"]
            for place in cause.changes where changes.indices.contains(place) { lines += Self.lines(changes[place]) }
            lines.append("  next step: \(cause.nextStep)")
            sections.append(lines.joined(separator: "\n"))
        }
        return sections.joined(separator: "\n\n")
    }

    private static func lines(_ change: BootChange) -> [String] {
        let place = [change.before.map { "event \($0.event)" }, change.after.map { "event \($0.event)" }]
            .compactMap { $0 }.joined(separator: " → ")
        let head =
            "  PCR \(change.pcr) \(change.kind.rawValue) \(change.component.rawValue) "
            + "\(change.name)\(place.isEmpty ? "" : " (\(place))")"
        let digests = [
            change.before.map { "before \($0.digest)" }, change.after.map { "after  \($0.digest)" },
        ].compactMap { $0 }
        return ([head] + change.details.map { "    \($0)" } + digests.map { "    \($0)" }).map {
            TerminalText.escaped($0)
        }
    }
}
