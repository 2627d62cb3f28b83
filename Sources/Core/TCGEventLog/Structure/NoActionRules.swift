internal import TPMStructures

/// Rows EL-07 and EL-08: EV_NO_ACTION events carry information and are never extended, so nothing covers them but their
/// form: PCR 0 before its first measurement, zero digests, a known signature.
enum NoActionRules {
    /// PFP 1.06, section 10.4.5; reference integrity manifests of SP 800-155.
    private static let signatures = [
        "StartupLocality", "SP800-155 Event", "SP800-155 Event2", "SP800-155 Event3", "H-CRTM", "NvIndexInstance",
        "NvIndexDynamic",
    ]

    private static let legacyHeader = Array("Spec ID Event0".utf8)

    static func findings(_ log: TCGEventLog) -> [LogFinding] {
        var findings: [LogFinding] = []
        var measured = false
        var localities = 0
        for event in log.events {
            if event.isExtended {
                // The registers of a confidential VM have no order among each other and no first one.
                measured = measured || event.registerIndex == 0 && log.registers == .pcrs
                continue
            }
            if event.dataSlice.starts(with: SpecIDEvent.signature) {
                findings += register(event, log.registers)
                continue
            }
            // TCG 1.2's header (EFI Protocol Specification 1.2, section 7.4).
            if log.format == .sha1, event.index == 0, event.dataSlice.starts(with: legacyHeader) {
                findings += register(event, log.registers)
                continue
            }
            findings += digest(event) + register(event, log.registers) + late(event, measured)
            if event.dataSlice.starts(with: StartupLocality.signature) {
                localities += 1
                findings += locality(event, log, count: localities, late: measured)
            } else {
                findings += signature(event)
            }
        }
        return findings
    }

    private static func digest(_ event: TCGPCREvent2) -> [LogFinding] {
        guard let digest = event.digests.first(where: { $0.bytes.contains { $0 != 0 } }) else { return [] }
        return [
            LogFinding(
                noAction: .noAction, event, quirk: .noActionDigest, expected: "zero digests", seen: digest.description,
                "An EV_NO_ACTION event has a digest, as if it were extended.")
        ]
    }

    private static func register(_ event: TCGPCREvent2, _ registers: LoggedRegisters) -> [LogFinding] {
        let isRight = registers == .pcrs ? event.registerIndex == 0 : event.registerIndex <= 1
        guard !isRight else { return [] }
        return [
            LogFinding(
                noAction: .noAction, event, quirk: .noActionRegister, expected: "PCR 0",
                seen: "PCR index \(event.registerIndex)", "An EV_NO_ACTION event names another register than PCR 0.")
        ]
    }

    private static func late(_ event: TCGPCREvent2, _ measured: Bool) -> [LogFinding] {
        // In another register than 0 it is one deviation, not two.
        guard measured, event.registerIndex == 0 else { return [] }
        return [
            LogFinding(
                noAction: .noAction, event, quirk: .noActionLate,
                expected: "a place before the first measurement of PCR 0", seen: "event \(event.index)",
                "An EV_NO_ACTION event stands behind measurements of PCR 0.")
        ]
    }

    private static func signature(_ event: TCGPCREvent2) -> [LogFinding] {
        let signature: String
        switch try? event.decoded() {
        case .noAction(let other)?: signature = other
        case .platformManifest?, .windowsTrustPoint?: return []
        default: signature = ""
        }
        guard !signatures.contains(signature) else { return [] }
        return [
            LogFinding(
                noAction: .noAction, event, quirk: .noActionSignature, expected: signatures.joined(separator: ", "),
                seen: signature, "An EV_NO_ACTION event has a signature that the profile does not name.")
        ]
    }

    private static func locality(
        _ event: TCGPCREvent2, _ log: TCGEventLog, count: Int, late: Bool
    ) -> [LogFinding] {
        var problems: [(expected: String, seen: String, detail: String)] = []
        if log.registers == .measurementRegisters {
            problems.append(("none", "StartupLocality", "A confidential VM's registers know no startup locality."))
        } else if let value = StartupLocality(event) {
            if !value.isKnown {
                problems.append(("0, 3 or 4", String(value.untrustedValue), "No such startup locality exists."))
            } else if log.startsWithHCRTM, value.untrustedValue != 4 {
                problems.append(
                    ("4", String(value.untrustedValue), "An H-CRTM measurement starts PCR 0 at locality 4."))
            }
        } else {
            problems.append(
                (
                    "one byte behind the signature", "\(event.dataRange.count - 16) bytes",
                    "StartupLocality is malformed."
                ))
        }
        if count > 1 { problems.append(("one StartupLocality", "\(count)", "The startup locality is stated again.")) }
        if late || event.registerIndex != 0 {
            problems.append(
                (
                    "a place before the first measurement of PCR 0", "event \(event.index)",
                    "The startup locality is stated behind measurements of PCR 0, or for another PCR."
                ))
        }
        return problems.map { problem in
            LogFinding(
                noAction: .startupLocality, event, quirk: nil, expected: problem.expected, seen: problem.seen,
                problem.detail)
        }
    }
}
