import Appraisal
import ReferenceValues

/// Findings for people; every word of them may come from a node and is escaped by the table.
enum FindingText {
    static func table(_ findings: [Finding]) -> String {
        guard !findings.isEmpty else { return "no findings" }
        var table = TextTable("FINDING", "TIER", "LAYER", "PCR", "EVENT", "WHAT")
        for finding in findings {
            table.add(
                finding.id, finding.waived == true ? "waived" : finding.tier.rawValue, finding.layer.rawValue,
                finding.pcr.map(String.init), finding.event.map(String.init), finding.detail)
        }
        return table.text
    }
}
