/// Row EL-06: firmware records in PCR 5 that the boot loader left boot services. Found by verified text, not by type.
enum ExitBootRules {
    static let invocation = "Exit Boot Services Invocation"
    static let success = "Exit Boot Services Returned with Success"
    static let failure = "Exit Boot Services Returned with Failure"

    /// Warnings: policy decides whether a machine may lack the record.
    static func findings(_ stream: PCRStream) -> [LogFinding] {
        let last = stream.events.last { event in
            [invocation, success, failure].contains { event.isVerifiedAction($0) }
        }
        guard let last else { return [missing(stream, invocation), missing(stream, success)] }
        var findings: [LogFinding] = []
        if !stream.events.contains(where: { $0.isVerifiedAction(invocation) }) {
            findings.append(missing(stream, invocation))
        }
        // A failed call may be repeated; the last word must be success.
        if !last.isVerifiedAction(success) {
            findings.append(
                LogFinding(
                    .noExitBoot, last, severity: .warning, quirk: .missingExitBoot, expected: success,
                    seen: last.description,
                    "The last record of ExitBootServices is not its success."))
        }
        return findings
    }

    private static func missing(_ stream: PCRStream, _ text: String) -> LogFinding {
        LogFinding(
            missing: .noExitBoot, stream.pcr, severity: .warning, quirk: .missingExitBoot, name: text, expected: text,
            "PCR 5 has no record \"\(text)\".")
    }
}
