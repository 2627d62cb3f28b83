import Appraisal
import AttestationMessages
import JSONCoding
import ReferenceValues

/// What a capture found, for the people who approve it.
enum CaptureReportText {
    static func text(_ report: CaptureReport) -> String {
        let noun = report.machines == 1 ? "machine" : "machines"
        let stable = report.registers.reduce(0) { $0 + $1.stableEvents }
        let varying = report.registers.reduce(0) { $0 + $1.varyingEvents }
        var head = [
            "Captured from \(report.machines) \(noun): \(stable) events are the same on all, \(varying) are not."
        ]
        if report.machines == 1 {
            head.append("Capture from several machines to see what is each machine's own.")
        }
        return ([head.joined(separator: "\n"), registers(report)] + (report.isUniform ? [] : [differences(report)]))
            .joined(separator: "\n\n")
    }

    private static func registers(_ report: CaptureReport) -> String {
        var table = TextTable("PCR", "RULE", "SAME EVENTS", "VARYING", "VALUES OF THE WHOLE REGISTER")
        for register in report.registers {
            let values =
                register.distinctValues == 1
                ? "one" : "\(register.distinctValues): brittle, so its events are judged, not its value"
            table.add(
                String(register.pcr), register.rule.rawValue, String(register.stableEvents),
                String(register.varyingEvents), register.reason.map { "ignored: \($0)" } ?? values)
        }
        return table.text
    }

    /// One line for each difference, then one for each content.
    private static func differences(_ report: CaptureReport) -> String {
        var table = TextTable("PCR", "COMPONENT", "NAME", "PROPOSED RULE", "WHY")
        for difference in report.differences {
            table.add(
                String(difference.pcr), difference.component, difference.name, difference.proposal.rawValue,
                difference.reason)
            for value in difference.values where difference.distinctValues > 1 {
                let machines = value.machines.compactMap {
                    report.sources.indices.contains($0) ? report.sources[$0] : nil
                }
                table.add("", "", "  \(value.digest)", "", "\(value.text): \(machines.joined(separator: ", "))")
            }
        }
        return table.text
    }

    /// The report inside the verifier's answer.
    static func text(_ document: JSONValue) throws -> String {
        let limits = StrictJSONLimits(maxBytes: .max, maxValues: .max, allowsFractions: true)
        return text(try StrictJSON.decode(CaptureReport.self, from: StrictJSON.encode(document), limits: limits))
    }
}
