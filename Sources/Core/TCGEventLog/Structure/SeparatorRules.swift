internal import TPMStructures

/// Row EL-04: exactly one separator ends the pre-boot phase of each of PCR 0–7, with value 0 or 0xFFFFFFFF.
enum SeparatorRules {
    static func findings(_ stream: PCRStream) -> [LogFinding] {
        let separators = stream.separators.map { stream.events[$0] }
        guard let first = separators.first else {
            return [
                LogFinding(
                    missing: .separator, stream.pcr, quirk: .missingSeparator, name: "separator",
                    expected: "one separator",
                    "No separator ends the pre-boot phase of PCR \(stream.pcr).")
            ]
        }
        var findings = separators.compactMap { value($0) + label($0) }.flatMap { $0 }
        findings += separators.dropFirst().map { event in
            LogFinding(
                .separator, event, quirk: .repeatedSeparator, expected: "one separator",
                seen: "\(separators.count) separators",
                "PCR \(stream.pcr) has more than one separator.")
        }
        let late = stream.afterSeparator.filter { !OrderRules.mayFollowSeparator($0, stream.pcr) }
        if stream.separators.first == 0, !late.isEmpty {
            findings.append(
                LogFinding(
                    .separator, first, quirk: .earlySeparator, expected: "a separator behind the pre-boot events",
                    seen: "a separator before \(late.count) of them",
                    "The separator of PCR \(stream.pcr) comes before events of the pre-boot phase."))
        }
        return findings
    }

    static func value(_ event: TCGPCREvent2) -> [LogFinding] {
        let data = event.data
        guard data != [0, 0, 0, 0], data != [0xFF, 0xFF, 0xFF, 0xFF] else { return [] }
        return [
            LogFinding(
                .separator, event, quirk: .separatorValue, expected: "00000000 or ffffffff", seen: event.description,
                data == [1, 0, 0, 0]
                    ? "The separator says that an error happened before the boot."
                    : "The separator's value is not one that the profile knows.")
        ]
    }

    static func label(_ event: TCGPCREvent2) -> [LogFinding] {
        guard event.untrustedEventType != .separator else { return [] }
        return [
            LogFinding(
                .separator, event, expected: "EV_SEPARATOR", seen: event.untrustedEventType.description,
                "An event with a separator's data and digest bears another type.")
        ]
    }
}
