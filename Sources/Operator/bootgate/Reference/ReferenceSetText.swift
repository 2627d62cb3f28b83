import ReferenceValues

/// A reference set, and the difference of two, for the people who approve it.
enum ReferenceSetText {
    static func text(_ set: ReferenceSet) -> String {
        var table = TextTable("PCR", "RULE", "WHAT")
        for rule in set.pcrs {
            let what =
                switch rule.rule {
                case .ignore: rule.reason
                case .values: "\(rule.values?.count ?? 0) values"
                case .events: "\(rule.events?.count ?? 0) events"
                }
            table.add(String(rule.pcr), rule.rule.rawValue, what)
            for event in rule.events ?? [] {
                table.add("", event.layer ?? "", event.name)
                for line in event.commandLines ?? [] { table.add("", "", "  " + line.joined(separator: " ")) }
            }
        }
        var fields = FieldList()
        fields.add("Set", set.name)
        fields.add("Group", set.group)
        fields.add("Layers", set.layers.map(\.id).joined(separator: ", "))
        fields.add("Banks", set.banks.joined(separator: ", "))
        for source in set.provenance { fields.add("From", source) }
        for waiver in set.waivers ?? [] {
            fields.add("Waiver", "\(waiver.finding) in PCR \(waiver.pcr), \(waiver.count) times: \(waiver.reason)")
        }
        return fields.text + "\n\n" + table.text
    }

    static func text(_ diff: ReferenceDiff) -> String {
        guard !diff.isEmpty else { return "the sets are equal" }
        var table = TextTable("CHANGE", "WHERE", "NAME", "BEFORE", "AFTER")
        for change in diff.changes {
            table.add(change.kind.rawValue, change.place, change.name, change.before, change.after)
        }
        return table.text
    }
}
