import BootPrediction
import TCGEventLog
import TPMStructures

/// What `reference predict -o json` prints.
struct PredictionReport: Encodable {
    struct Event: Encodable {
        /// Index in the predicted log; of a removed event in the last boot's.
        var index: Int
        var pcr: Int
        var untrustedType: String
        /// `kept`, `changed`, `added`, `removed`.
        var change: String
        var name: String
        var digests: [String: String]
        /// The last boot's digests of a changed event.
        var before: [String: String]?
    }

    static let unquoted = "no quote proves the last boot's log: the prediction is as true as whoever sent it"

    var format = "bootgate-prediction/v1"
    /// Whether a verified quote proves the last boot's log.
    var baseQuoted: Bool
    var banks: [String]
    /// In log order for each register; removed events last.
    var events: [Event]
    var pcrs: [String: [String: String]]
    /// Registers whose value will differ.
    var changedPCRs: [Int]
    var decisions: [PredictionDecision]
    var notes: [String]

    init(_ boot: PredictedBoot, isQuoted: Bool) {
        baseQuoted = isQuoted
        banks = boot.log.banks.map(\.name)
        events = zip(boot.log.events, boot.origins).compactMap { event, origin in
            guard event.isExtended else { return nil }
            return switch origin {
            case .kept: Self.event(event, "kept")
            case .changed(let index): Self.event(event, "changed", before: boot.base.events[index])
            case .added: Self.event(event, "added")
            }
        }
        events += boot.removed.map { Self.event(boot.base.events[$0], "removed") }
        let (new, old) = (boot.log.replay(), boot.base.replay())
        let extended = PCRSet(boot.log.extendedPCRs.indices + boot.base.extendedPCRs.indices)
        pcrs = [:]
        for bank in boot.log.banks {
            for pcr in extended.indices {
                pcrs[bank.name, default: [:]][String(pcr.rawValue)] = new.values[bank, pcr]?.hex
            }
        }
        changedPCRs = extended.indices.filter { pcr in
            boot.log.banks.contains { new.values[$0, pcr] != old.values[$0, pcr] }
        }.map { Int($0.rawValue) }
        decisions = boot.decisions
        notes = boot.notes + (isQuoted ? [] : [Self.unquoted])
    }

    private static func event(_ event: TCGPCREvent2, _ change: String, before: TCGPCREvent2? = nil) -> Event {
        Event(
            index: event.index, pcr: Int(event.registerIndex), untrustedType: event.untrustedEventType.description,
            change: change, name: event.component.description, digests: digests(event), before: before.map(digests))
    }

    private static func digests(_ event: TCGPCREvent2) -> [String: String] {
        Dictionary(event.digests.map { ($0.algorithm.name, $0.hex) }) { first, _ in first }
    }

    static func text(_ decision: PredictionDecision) -> String {
        "\(decision.file), line \(decision.line): '\(decision.command)' ends with \(decision.exitCode), "
            + (decision.source == .lastBoot ? "as in the last boot" : "as the operator says")
    }

    var text: String {
        let bank = banks.contains("sha256") ? "sha256" : banks.last ?? ""
        var table = TextTable("PCR", "EVENT", "CHANGE", "NAME", "BEFORE", bank.uppercased())
        for event in events where event.change != "kept" {
            table.add(
                String(event.pcr), String(event.index), event.change, event.name, event.before?[bank],
                event.change == "removed" ? nil : event.digests[bank])
        }
        var values = TextTable("BANK", "PCR", "CHANGES", "VALUE")
        for bank in banks {
            for (pcr, value) in (pcrs[bank] ?? [:]).sorted(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
                values.add(bank, pcr, changedPCRs.contains(Int(pcr) ?? -1) ? "yes" : "", value)
            }
        }
        let remarks = decisions.map { "decided: " + Self.text($0) } + notes.map { "note: " + $0 }
        return [
            events.allSatisfy { $0.change == "kept" } ? "nothing changes" : table.text, values.text,
            remarks.map { TerminalText.escaped($0) }.joined(separator: "\n"),
        ].filter { !$0.isEmpty }.joined(separator: "\n\n")
    }
}
