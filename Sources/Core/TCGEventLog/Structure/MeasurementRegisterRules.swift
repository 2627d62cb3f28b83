internal import TPMStructures

/// Rules for a CC event log. A register of a confidential VM takes the events of several PCRs (UEFI 2.10, section 38.4.1,
/// which firmware maps as 1 and 7 → 1, 2 to 6 → 2, 8 to 15 → 3): what stands before or behind a separator there follows from
/// no order, so that separators are counted and events judged one by one.
enum MeasurementRegisterRules {
    /// Register 1, which holds what PCR 7 would.
    static let policyRegister: UInt8 = 1
    /// PCRs whose separators a register takes.
    private static let separatorsOf: [UInt8: Int] = [1: 2, 2: 5, 3: 8]

    static func findings(_ log: TCGEventLog, _ streams: [PCRStream]) -> [LogFinding] {
        var findings: [LogFinding] = []
        for stream in streams {
            for event in stream.events {
                findings += EventRules.findings(event, algorithms: log.algorithms, policyRegister: policyRegister)
            }
            findings += separators(stream)
        }
        return findings + SecureBootRules.findings(streams[Int(policyRegister)])
    }

    private static func separators(_ stream: PCRStream) -> [LogFinding] {
        let separators = stream.separators.map { stream.events[$0] }
        var findings = separators.flatMap { SeparatorRules.value($0) + SeparatorRules.label($0) }
        let limit = separatorsOf[stream.pcr.rawValue] ?? 0
        if separators.count > limit {
            findings += separators[limit...].map { event in
                LogFinding(
                    .separator, event, quirk: .repeatedSeparator, expected: "at most \(limit) separators",
                    seen: "\(separators.count) separators",
                    "Register \(stream.pcr) has more separators than PCRs are mapped to it.")
            }
        }
        if separators.isEmpty, stream.pcr.rawValue == policyRegister, !stream.events.isEmpty {
            findings.append(
                LogFinding(
                    missing: .separator, stream.pcr, quirk: .missingSeparator, name: "separator",
                    expected: "a separator", "No separator ends the pre-boot phase of register \(stream.pcr)."))
        }
        return findings
    }
}
