internal import ReferenceValues
internal import TPMStructures

/// Words for a difference between a register's events and its references.
enum DifferenceFinding {
    static func make(
        _ difference: RegisterComparison.Difference, _ pcr: PCRIndex, _ layer: LayerID,
        _ onUnknown: ReferenceSet.LayerRule.OnUnknown, _ banks: [PCRBank]
    ) -> Finding {
        let register = Int(pcr.rawValue)
        let tolerated: Tier = onUnknown == .warn ? .warning : .contraindicated
        switch difference {
        case .changed(let event, let rule):
            let special = specialID(pcr, rule)
            let name = rule.name == event.untrustedName ? rule.name : "\(rule.name) (logged as: \(event.untrustedName))"
            // Also where the references know it by its digest alone, as in PCR 12.
            let general = event.verifiedCommandLine == nil ? FindingID.unknownComponent : FindingID.commandLine
            return Finding(
                special ?? general, special == nil ? tolerated : .contraindicated, layer,
                pcr: register, event: event.index, untrustedType: event.untrustedType, name: name,
                expected: shown(rule, banks), seen: event.shown(banks),
                detail: "PCR \(pcr), event \(event.index): not the \(rule.name) of the references")
        case .unexpected(let event):
            let special = specialID(pcr, nil)
            let general = event.verifiedCommandLine == nil ? FindingID.unknownComponent : FindingID.commandLine
            return Finding(
                special ?? general,
                special == nil ? tolerated : .contraindicated, layer, pcr: register, event: event.index,
                untrustedType: event.untrustedType, name: event.untrustedName, expected: "nothing",
                seen: event.shown(banks),
                detail: "PCR \(pcr), event \(event.index): no reference knows \(event.untrustedName)")
        case .missing(let rule):
            let special = specialID(pcr, rule)
            return Finding(
                special ?? FindingID.missingComponent, special == nil ? tolerated : .contraindicated, layer,
                pcr: register, untrustedType: rule.type, name: rule.name, expected: shown(rule, banks),
                seen: "nothing", detail: "PCR \(pcr): \(rule.name) is missing")
        case .moved(let event, let rule):
            let special = pcr.rawValue == 7 ? FindingID.secureBoot : nil
            return Finding(
                special ?? FindingID.order, special == nil ? tolerated : .contraindicated, layer, pcr: register,
                event: event.index, untrustedType: event.untrustedType, name: rule.name, expected: "in its place",
                seen: "elsewhere in the register",
                detail: "PCR \(pcr), event \(event.index): \(rule.name) is not in the order of the references")
        }
    }

    /// Differences that no set may tolerate, by register or by what the reference is.
    private static func specialID(_ pcr: PCRIndex, _ rule: CompiledReferences.ExpectedEvent?) -> String? {
        if pcr.rawValue == 7 { return FindingID.secureBoot }
        if pcr.rawValue == 14 { return FindingID.mok }
        if let rule, !rule.commandLines.isEmpty { return FindingID.commandLine }
        return nil
    }

    private static func shown(_ rule: CompiledReferences.ExpectedEvent, _ banks: [PCRBank]) -> String {
        if let reason = rule.anyContent { return "any content (\(reason))" }
        if !rule.commandLines.isEmpty { return rule.commandLines.joined(separator: " | ") }
        let bank = banks.max { $0.digestSize < $1.digestSize }
        let digests = rule.alternatives.compactMap { alternative in bank.flatMap { alternative[$0]?.description } }
        return digests.count > 4
            ? digests.prefix(4).joined(separator: " or ") + " or \(digests.count - 4) others"
            : digests.joined(separator: " or ")
    }
}
