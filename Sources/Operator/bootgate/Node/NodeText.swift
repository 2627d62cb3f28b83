import AttestationMessages

/// Nodes as text.
enum NodeText {
    static func list(_ nodes: [NodeView]) -> String {
        var table = TextTable("NODE", "STATE", "SINCE", "LAST EVIDENCE", "SITE", "GROUP", "REASON")
        for node in nodes {
            table.add(
                node.nodeID.rawValue, node.state.rawValue, Timestamp.age(node.stateSinceMilliseconds),
                node.lastEvidenceAtMilliseconds.map(Timestamp.age), node.site, node.group,
                node.lastVerdict.flatMap { $0.verdict == .pass ? nil : $0.reasons.joined(separator: ",") })
        }
        return table.text
    }

    static func detail(_ node: NodeView) -> String {
        var fields = FieldList()
        fields.add("Node", node.nodeID.rawValue)
        fields.add("State", "\(node.state.rawValue) since \(Timestamp.withAge(node.stateSinceMilliseconds))")
        fields.add("Lifecycle, standing", "\(node.lifecycle.rawValue), \(node.standing.rawValue)")
        fields.add("Site, group", "\(node.site ?? "-"), \(node.group ?? "-")")
        fields.add("Asset tag", node.assetTag)
        fields.add(
            "Platform (self-reported)",
            words([node.platform.manufacturer, node.platform.product, node.platform.serialNumber]))
        fields.add("TPM", words([node.tpmManufacturer, node.tpmModel, node.tpmFirmware]))
        fields.add("EK", "\(node.ekName) (\(node.ekTrust))")
        fields.add("AK", node.akName)
        fields.add("Enrolled", Timestamp.withAge(node.enrolledAtMilliseconds))
        fields.add("Last evidence", node.lastEvidenceAtMilliseconds.map(Timestamp.withAge))
        if let reset = node.resetCount, let restart = node.restartCount {
            fields.add("Boot", "reset \(reset), restart \(restart), boot id \(node.bootID ?? "-")")
        }
        fields.add("Agent", node.agentVersion)
        if let verdict = node.lastVerdict {
            fields.add("Last verdict", "\(verdict.verdict.rawValue) (\(verdict.verdictID))")
            fields.add("References", verdict.referenceSet)
            fields.add("First broken layer", verdict.firstBrokenLayer)
            if !verdict.reasons.isEmpty { fields.add("Reasons", verdict.reasons.joined(separator: ", ")) }
        }
        return fields.text
    }

    private static func words(_ parts: [String?]) -> String? {
        let known = parts.compactMap { $0 }.filter { !$0.isEmpty }
        return known.isEmpty ? nil : known.joined(separator: " ")
    }
}
