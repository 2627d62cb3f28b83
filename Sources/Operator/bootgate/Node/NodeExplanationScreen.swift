import Appraisal
import AttestationMessages
import TCGEventLog

/// `node explain` as text: 80 columns, and at most 40 lines for whatever a node measures.
struct NodeExplanationScreen {
    static let width = 80
    static let height = 40
    /// `expected` and a space: a SHA-256 digest with its algorithm just fits beside it.
    private static let labelWidth = 9
    private let explanation: NodeExplanation

    init(_ explanation: NodeExplanation) { self.explanation = explanation }

    var text: String {
        let (head, foot) = (head, foot)
        let changes = changes(budget: Self.height - head.count - foot.count)
        return (head + changes + foot).joined(separator: "\n")
    }

    /// Without bounds, with every layer's findings.
    var wholeText: String {
        let lines = head + changes(budget: nil) + foot
        let table = layerTable
        return lines.joined(separator: "\n") + (table.isEmpty ? "" : "\n\n" + table)
    }

    // MARK: What broke

    private var head: [String] {
        let node = explanation.node
        var lines: [String] = []
        func add(_ label: String, _ value: String?, most: Int = 2) {
            if let value { lines += Self.field(label, value, most: most) }
        }
        add("Node", "\(node.nodeID) at \(node.site ?? "unknown site"), group \(node.group ?? "-")")
        add("State", "\(node.state.rawValue) since \(Timestamp.withAge(node.stateSinceMilliseconds))")
        if let verdict = explanation.verdict {
            add("Verdict", "\(verdict.verdict.rawValue) \(Timestamp.withAge(verdict.atMilliseconds))")
            add("id", verdict.verdictID)
            if !verdict.reasons.isEmpty { add("Reasons", verdict.reasons.joined(separator: ", ")) }
        }
        if !explanation.layers.isEmpty { add("Layers", layers) }
        add("Set", foreignSet)
        if let event = explanation.firstDivergentEvent, event != .null {
            let place = [event["pcr"]?.plainText.map { "PCR \($0)" }, event["index"]?.plainText.map { "event \($0)" }]
                .compactMap { $0 }.joined(separator: ", ")
            add("Broken", "\(place.isEmpty ? "" : place + ": ")\(event["name"]?.plainText ?? "unnamed")")
            add("expected", event["expected"]?.plainText ?? "nothing", most: 3)
            add("seen", event["seen"]?.plainText ?? "nothing", most: 3)
        }
        add("Was good", explanation.lastPass.map { Timestamp.withAge($0.atMilliseconds) } ?? "never")
        add("Since", explanation.firstFailure.map { Timestamp.withAge($0.atMilliseconds) })
        if !explanation.alsoAffected.isEmpty {
            let names = explanation.alsoAffected.prefix(8).map(\.rawValue).joined(separator: ", ")
            let more = explanation.alsoAffected.count > 8 ? ", …" : ""
            let count = "\(explanation.alsoAffectedTruncated ? "more than " : "")\(explanation.alsoAffected.count)"
            add("Also on", "\(count) nodes that saw the same: \(names)\(more)")
        }
        add("Reboot", explanation.lastReboot.map(RebootText.sentence), most: 3)
        add("Plan", explanation.plan.map(PlanText.sentence))
        add("Peers", explanation.peers)
        return lines
    }

    /// Told where the node's group has no set of its own: the fail may be that of a kind of machine that nobody captured yet.
    private var foreignSet: String? {
        guard let own = explanation.node.group, let reference = explanation.reference, reference != .null,
            let group = reference["group"]?.plainText, group != own
        else { return nil }
        return "\(reference["name"]?.plainText ?? "?") of group \(group): group \(own) has no active set of its own"
    }

    /// `good: tpm-identity, firmware; contraindicated: kernel`.
    private var layers: String {
        var groups: [(String, [String])] = []
        for layer in explanation.layers {
            let tier = layer["tier"]?.plainText ?? "?"
            let id = layer["id"]?.plainText ?? "?"
            let isEmpty = layer["findings"]?.array?.isEmpty ?? true
            if tier == "none", isEmpty { continue }
            let word =
                switch tier {
                case "affirming": layer["trustworthy"] == .bool(true) ? "good" : "on broken ground"
                case "none": "not judged"
                default: tier
                }
            if let place = groups.firstIndex(where: { $0.0 == word }) {
                groups[place].1.append(id)
            } else {
                groups.append((word, [id]))
            }
        }
        return groups.map { "\($0.0): \($0.1.joined(separator: ", "))" }.joined(separator: "; ")
    }

    private var foot: [String] { Self.field("Next", explanation.nextStep, most: 4) }

    // MARK: What changed

    private func changes(budget: Int?) -> [String] {
        guard let comparison = explanation.comparison else {
            guard let missing = explanation.comparisonMissing, explanation.verdict?.verdict != .pass else { return [] }
            return Self.field("Changed", "not known: \(missing)", most: 2)
        }
        guard !comparison.same else {
            // Same registers, same log, and yet not the same system.
            if explanation.verdict?.showsOtherKernel == true {
                return Self.field(
                    "Changed",
                    "the kernel that runs: it was started without a reset of the TPM (kexec), so that registers and event "
                        + "log go on telling of the one before", most: 3)
            }
            return Self.field("Changed", "nothing: both boots measured the same, event by event", most: 2)
        }
        let registers = comparison.changedRegisters.map(String.init).joined(separator: ", ")
        let count = comparison.changeCount == 1 ? "1 event" : "\(comparison.changeCount) events"
        let title = Self.field(
            "Changed",
            "\(count) since the last good boot; registers that differ: \(registers.isEmpty ? "none" : registers)",
            most: 2)
        var blocks: [(lines: [String], changes: Int)] = []
        for cause in comparison.causes {
            let weight = cause.weight == .alarming ? "ALARMING: " : ""
            blocks.append((Self.wrapped("\(weight)likely cause: \(cause.title)", indent: 2, most: 2), 0))
            for place in cause.changes where comparison.changes.indices.contains(place) {
                blocks.append((Self.lines(comparison.changes[place], details: budget == nil ? .max : 3), 1))
            }
            blocks.append((Self.wrapped("do: \(cause.nextStep)", indent: 4, most: 2), 0))
        }
        guard let budget else { return title + blocks.flatMap(\.lines) }
        return title
            + Self.fitting(blocks, budget - title.count, total: comparison.changeCount, explanation.node.nodeID)
    }

    /// The first blocks that fit; if not all do, the last line says how many changes are left and what shows them.
    private static func fitting(
        _ blocks: [(lines: [String], changes: Int)], _ budget: Int, total: Int, _ node: NodeID
    ) -> [String] {
        if blocks.reduce(0, { $0 + $1.lines.count }) <= budget { return blocks.flatMap(\.lines) }
        var lines: [String] = []
        var shown = 0
        for block in blocks {
            guard lines.count + block.lines.count < budget else { break }
            lines += block.lines
            shown += block.changes
        }
        return lines + ["  … \(total - shown) more changes: bootgate node explain \(node) --all"]
    }

    private static func lines(_ change: BootChange, details most: Int) -> [String] {
        let event = (change.after ?? change.before).map { ", event \($0.event)" } ?? ""
        let head = "PCR \(change.pcr)\(event) \(change.kind.rawValue): \(change.component.rawValue) \(change.name)"
        var lines = wrapped(head, indent: 4, most: 2)
        for detail in change.details.prefix(most) { lines += wrapped(detail, indent: 6, most: most == .max ? .max : 1) }
        if change.details.count > most { lines.append("      … \(change.details.count - most) more lines") }
        return lines
    }

    // MARK: Form

    private static func field(_ label: String, _ value: String, most: Int) -> [String] {
        let name = label + String(repeating: " ", count: max(1, labelWidth - label.count))
        return wrapped(value, indent: labelWidth, most: most).enumerated().map { place, line in
            place == 0 ? name + line.dropFirst(labelWidth) : line
        }
    }

    /// Text of a node, escaped, broken at spaces where there are any; what exceeds `most` lines ends in `…`.
    static func wrapped(_ text: String, indent: Int, most: Int) -> [String] {
        let room = width - indent
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var rest = Substring(TerminalText.escaped(text))
        while !rest.isEmpty {
            if rest.count <= room {
                lines.append(margin + rest)
                break
            }
            if lines.count == most - 1 {
                lines.append(margin + rest.prefix(room - 1) + "…")
                break
            }
            let head = rest.prefix(room + 1)
            let cut = head.lastIndex(of: " ").map { $0 > rest.startIndex ? $0 : head.index(before: head.endIndex) }
            let end = cut ?? head.index(before: head.endIndex)
            lines.append(margin + rest[..<end])
            rest = rest[end...].drop { $0 == " " }
        }
        return lines
    }

    private var layerTable: String {
        guard !explanation.layers.isEmpty else { return "" }
        var table = TextTable("LAYER", "TIER", "TRUSTWORTHY", "FINDINGS")
        for layer in explanation.layers {
            let findings = layer["findings"]?.array ?? []
            // A layer that nobody looked at says nothing; one that could not be judged says why.
            let judged = layer["tier"]?.plainText != "none"
            if !judged, findings.isEmpty { continue }
            let trustworthy = layer["trustworthy"] == .bool(true)
            table.add(
                layer["id"]?.plainText, layer["tier"]?.plainText,
                !judged ? "not judged" : trustworthy ? "yes" : "no (rests on \(layer["restsOn"]?.plainText ?? "?"))",
                findings.map(Self.text).joined(separator: "; "))
        }
        return table.text
    }

    private static func text(_ finding: JSONValue) -> String {
        let what = finding["name"]?.plainText ?? finding["detail"]?.plainText
        return (finding["id"]?.plainText ?? "?") + (what.map { ": \($0)" } ?? "")
    }
}
