import ArgumentParser
import ReferenceValues

struct InspectIMAPolicy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ima-policy", abstract: "What an IMA policy leaves unmeasured, before it is approved.",
        discussion: """
            Reads the text of a policy (/etc/ima/ima-policy). Each rule that is missing, and each exemption in which programs \
            or scripts can lie, is a warning with id IMA_POLICY_WEAK. What no policy measures no reference can judge.

            EXAMPLES
              bootgate inspect ima-policy /etc/ima/ima-policy
              bootgate inspect ima-policy policy.txt -o json
            """)
    @Argument(help: "The policy, or - for standard input.") var file: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let bytes = try InputFile.readInput(file)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.malformedInput, "\(file): not UTF-8")
        }
        let policy: IMAPolicy
        do throws(IMAPolicy.Malformed) {
            policy = try IMAPolicy(text)
        } catch {
            throw Failure(.malformedInput, "\(file): \(error)")
        }
        let report = IMAPolicyReport(policy)
        try output.write(report) { report.text }
    }
}

/// What `inspect ima-policy -o json` prints.
struct IMAPolicyReport: Encodable {
    struct Entry: Encodable {
        var id: String
        var tier: String
        /// Nil for a rule that is missing.
        var line: Int?
        var rule: String
        var detail: String
    }

    var ruleCount: Int
    var findings: [Entry]

    init(_ policy: IMAPolicy) {
        ruleCount = policy.rules.count
        findings = policy.weaknesses.map {
            Entry(id: IMAPolicy.weakID, tier: "warning", line: $0.line, rule: $0.rule, detail: $0.detail)
        }
    }

    var text: String {
        guard !findings.isEmpty else { return "\(ruleCount) rules; nothing is known to be left out" }
        var table = TextTable("FINDING", "LINE", "RULE", "WHAT")
        for finding in findings {
            table.add(finding.id, finding.line.map(String.init) ?? "missing", finding.rule, finding.detail)
        }
        return table.text
    }
}
