import ReferenceValues

/// A reference set, and the difference of two, for the people who approve it.
enum ReferenceSetText {
    /// - Parameter isComplete: false leaves out what the verifier's own record of the set already said: name and group.
    static func text(_ set: ReferenceSet, isComplete: Bool = true) -> String {
        var fields = FieldList()
        if isComplete {
            fields.add("Set", set.name)
            fields.add("Group", set.group)
        }
        fields.add("Description", set.description)
        fields.add("Banks", set.banks.joined(separator: ", "))
        if let validity = set.validity {
            fields.add("Valid", "\(validity.notBefore ?? "always") to \(validity.notAfter ?? "no end")")
        }
        for source in set.provenance { fields.add("From", source) }
        for waiver in set.waivers ?? [] {
            fields.add(
                "Waiver",
                "\(waiver.finding) in PCR \(waiver.pcr), \(waiver.count) times: \(waiver.reason) "
                    + (waiver.digests.isEmpty ? "(missing events)" : waiver.digests.joined(separator: " ")))
        }
        for component in set.denied ?? [] {
            fields.add(
                "Refused anywhere", "\(component.name): \(component.reason) \(component.digests.joined(separator: " "))"
            )
        }
        return [fields.text, layers(set), registers(set), set.runtime.map(runtime)].compactMap(\.self)
            .joined(separator: "\n\n")
    }

    /// Files by number only: `reference diff` and the document name them.
    private static func runtime(_ runtime: ReferenceSet.Runtime) -> String {
        var fields = FieldList()
        fields.add("Runtime", "at least \(runtime.minimumEntries) entries")
        fields.add(
            "Files", "\(runtime.files?.count ?? 0) by path and digest, \(runtime.digests?.count ?? 0) at any path")
        for signer in runtime.signers ?? [] {
            fields.add("Signer", "\(signer.name): \(signer.paths?.joined(separator: " ") ?? "all paths")")
        }
        for (name, list) in [
            ("Excluded", runtime.exclude), ("Violations stand", runtime.violations), ("Policy", runtime.policies),
            ("Kexec", runtime.kexec), ("Buffer", runtime.buffers), ("Buffer ignored", runtime.ignoredBuffers),
        ] {
            for element in list ?? [] { fields.add(name, element) }
        }
        if runtime.paddedSHA1 == true { fields.add("Padded SHA-1", "accepted in all banks") }
        return fields.text
    }

    private static func layers(_ set: ReferenceSet) -> String {
        var table = TextTable("LAYER", "REQUIRED", "AN UNKNOWN COMPONENT")
        for layer in set.layers {
            table.add(layer.id, layer.required ? "yes" : "no", layer.onUnknown == .fail ? "fails" : "warns")
        }
        return table.text
    }

    /// One line for each alternative, so that a digest can be searched for.
    private static func registers(_ set: ReferenceSet) -> String {
        var table = TextTable("PCR", "RULE", "LAYER", "NAME", "ACCEPTED")
        for rule in set.pcrs {
            let pcr = String(rule.pcr)
            switch rule.rule {
            case .ignore: table.add(pcr, "ignored", "", rule.reason, "anything")
            case .values:
                for (index, value) in (rule.values ?? []).enumerated() {
                    table.add(pcr, index == 0 ? "value" : "or", "", "", digests(value))
                }
            case .events:
                let events = rule.events ?? []
                let order = rule.order == .any ? "in any order" : "in this order"
                table.add(pcr, "events", "", events.isEmpty ? "none at all" : "exactly \(events.count), \(order)", "")
                for event in events { add(event, pcr, to: &table) }
            }
        }
        return table.text
    }

    private static func add(_ event: ReferenceSet.EventRule, _ pcr: String, to table: inout TextTable) {
        let lines = (event.commandLines ?? []).map { "\"\($0.joined(separator: " "))\"" }
        let alternatives =
            (event.digests ?? []).map(digests) + lines + (event.anyContent.map { ["any content: \($0)"] } ?? [])
        for (index, alternative) in alternatives.enumerated() {
            guard index == 0 else {
                table.add(pcr, "  or", "", "", alternative)
                continue
            }
            table.add(
                pcr, event.optional == true ? "  optional" : "  event", event.layer ?? "", event.name, alternative)
        }
    }

    private static func digests(_ alternative: [String: String]) -> String {
        alternative.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " and ")
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
