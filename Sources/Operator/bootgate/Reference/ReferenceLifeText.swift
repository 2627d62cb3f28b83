import AttestationMessages

/// Previews, rollbacks and histories of reference sets as text.
extension ReferenceText {
    static func preview(_ preview: ReferencePreview) -> String {
        var fields = FieldList()
        fields.add("Set", "\(preview.name) version \(preview.version), group \(preview.group)")
        fields.add("Nodes judged", "\(preview.judged) by their last evidence")
        fields.add("Unchanged", String(preview.unchanged))
        fields.add("Pass to fail", String(preview.passToFail))
        fields.add("Pass to error", String(preview.passToError))
        fields.add("Fail to pass", String(preview.failToPass))
        fields.add("Error to pass", String(preview.errorToPass))
        if preview.withoutEvidence > 0 {
            fields.add("Not known", "\(preview.withoutEvidence) nodes without kept evidence of what the set judges")
        }
        guard !preview.flips.isEmpty else { return fields.text }
        var table = TextTable("NODE", "NOW", "THEN", "LAYER", "PCR", "FIRST DIFFERENCE", "EXPECTED", "SEEN")
        for flip in preview.flips {
            table.add(
                flip.nodeID.rawValue, flip.before.rawValue, flip.after.rawValue, flip.firstBrokenLayer,
                flip.pcr.map(String.init), flip.name ?? flip.reasons.first, flip.expected, flip.seen)
        }
        let more = preview.leftOut > 0 ? "\n\(preview.leftOut) more nodes change" : ""
        return fields.text + "\n\n" + table.text + more
    }

    static func rollback(_ rollback: ReferenceRollback) -> String {
        var fields = FieldList()
        fields.add("Rolled back", "\(rollback.rolledBack.name) version \(rollback.rolledBack.version)")
        fields.add("Active again", "\(rollback.active.name) version \(rollback.active.version)")
        fields.add("Group", rollback.active.group)
        fields.add("Cleared", list(rollback.cleared))
        fields.add("Still failed", list(rollback.stillFailed))
        return fields.text
    }

    private static func list(_ nodes: [NodeID]) -> String {
        nodes.isEmpty ? "none" : "\(nodes.count): " + nodes.map(\.rawValue).joined(separator: ", ")
    }

    static func history(_ entries: [ReferenceHistoryEntry]) -> String {
        var table = TextTable("AT", "VERSION", "ACT", "BY", "TICKET", "REASON", "NOTE")
        for entry in entries {
            table.add(
                Timestamp.text(entry.atMilliseconds), String(entry.version), entry.act, entry.by, entry.ticket,
                entry.reason, entry.note)
        }
        return table.text
    }
}
