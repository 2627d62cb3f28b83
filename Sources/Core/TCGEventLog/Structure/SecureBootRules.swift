/// Row EL-03: PCR 7 holds each policy variable once, before the separator; a later one cannot replace the first.
enum SecureBootRules {
    static func findings(_ stream: PCRStream) -> [LogFinding] {
        var findings: [LogFinding] = []
        var seen: Set<SecureBootVariable> = []
        var hasVariables = false
        for event in stream.events {
            guard case .variable(let variable)? = try? event.decoded() else { continue }
            hasVariables = true
            guard let known = SecureBootVariable(variable.name), isPolicy(event, known) else { continue }
            if !seen.insert(known).inserted {
                findings.append(
                    LogFinding(
                        .duplicate, event, expected: "\(known.rawValue) once", seen: event.description,
                        "A second value of \(known.rawValue); only the first counts, and only one may exist."))
            }
        }
        if hasVariables, !seen.contains(.secureBoot) {
            findings.append(
                LogFinding(
                    missing: .variable, stream.pcr, name: "SecureBoot", expected: "the variable SecureBoot",
                    "PCR 7 has Secure Boot events but not the variable SecureBoot itself."))
        }
        return findings
    }

    /// An authority names db, dbt or dbr as the place of the certificate that verified an image; the others never.
    private static func isPolicy(_ event: TCGPCREvent2, _ variable: SecureBootVariable) -> Bool {
        guard event.untrustedEventType == .efiVariableAuthority else { return true }
        return variable == .secureBoot || variable == .pk || variable == .kek || variable == .dbx
    }
}
