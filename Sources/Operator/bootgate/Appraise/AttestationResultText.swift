import Appraisal
import ReferenceValues

/// An attestation result for people: the verdict and its cause first, then the layers, then everything that was found.
enum AttestationResultText {
    static func text(_ result: AttestationResult) -> String {
        var parts = [head(result), layers(result)]
        if !result.findings.isEmpty { parts.append(FindingText.table(result.findings)) }
        return parts.joined(separator: "\n\n")
    }

    private static func head(_ result: AttestationResult) -> String {
        var fields = FieldList()
        fields.add("Verdict", result.verdict.rawValue)
        fields.add("First broken layer", result.firstBrokenLayer?.rawValue)
        if let event = result.firstDivergentEvent {
            let place = [event.pcr.map { "PCR \($0)" }, event.index.map { "event \($0)" }, event.untrustedType]
            fields.add("First divergence", place.compactMap(\.self).joined(separator: ", "))
            fields.add("What", event.name)
            fields.add("Expected", event.expected)
            fields.add("Seen", event.seen)
        }
        if let reference = result.reference {
            fields.add("References", "\(reference.name) (\(result.referenceStatus?.rawValue ?? "unknown"))")
        }
        if result.labMode { fields.add("Lab mode", "one operator proposed and approved") }
        fields.add("Identity", result.identity.rawValue)
        fields.add("Binding", result.binding.rawValue)
        for waiver in result.waivers {
            fields.add("Waived", "\(waiver.finding) in PCR \(waiver.pcr), \(waiver.count) times: \(waiver.reason)")
        }
        return fields.text
    }

    private static func layers(_ result: AttestationResult) -> String {
        var table = TextTable("LAYER", "TIER", "REQUIRED", "NOTE")
        for layer in result.layers {
            let note =
                layer.tier == .none
                ? layer.covered ? "not judged" : "not covered"
                : layer.trustworthy
                    ? nil
                    : "not trustworthy (rests on \(layer.restsOn?.rawValue ?? "nothing"))"
            table.add(layer.id.rawValue, layer.tier.rawValue, layer.required ? "yes" : "no", note)
        }
        return table.text
    }
}
