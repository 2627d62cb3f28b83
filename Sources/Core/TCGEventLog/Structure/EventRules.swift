internal import ByteParsing
internal import TPMStructures

/// Rules about one extended event: complete digests, data that its digests cover, data of the type's form.
enum EventRules {
    /// - Parameter policyRegister: Where Secure Boot policy is measured: PCR 7, or register 1 of a confidential VM.
    static func findings(
        _ event: TCGPCREvent2, algorithms: [LoggedAlgorithm], policyRegister: UInt8
    ) -> [LogFinding] {
        missingDigests(event, algorithms) + dataDigest(event) + form(event, policyRegister)
    }

    /// Row EL-11: the digests of an event are those that the header names.
    private static func missingDigests(_ event: TCGPCREvent2, _ algorithms: [LoggedAlgorithm]) -> [LogFinding] {
        guard event.digestCount < algorithms.count else { return [] }
        let present = event.digests.map(\.algorithm.name)
        return [
            LogFinding(
                .digestList, event, quirk: .missingDigest,
                expected: algorithms.map(\.algorithm.description).joined(separator: ", "),
                seen: present.joined(separator: ", "), "The event lacks a digest of a bank that the header names.")
        ]
    }

    /// Row EL-02.
    private static func dataDigest(_ event: TCGPCREvent2) -> [LogFinding] {
        switch event.dataVerification {
        case .contradicted:
            [
                LogFinding(
                    .dataDigest, event, quirk: .digestOfOtherData, expected: "digests over the event's data",
                    seen: event.strongestDigest?.description ?? "",
                    "The digest is not the hash of the data, as the profile defines it for \(event.untrustedEventType)."
                )
            ]
        case .verified(.withoutLastByte) where !event.endsInPadding:
            [
                LogFinding(
                    .dataDigest, event, severity: .warning, expected: "digests over the event's data",
                    seen: "digests over all but the last byte",
                    "Shim before 15.3 logs one byte more than it hashes; here that byte is one of the variable's.")
            ]
        case .verified, .unverified: []
        }
    }

    private static func form(_ event: TCGPCREvent2, _ policyRegister: UInt8) -> [LogFinding] {
        do throws(EventDataError) {
            switch try event.decoded() {
            case .variable(let variable): return try variableForm(event, variable, policyRegister)
            default: return []
            }
        } catch {
            // SeparatorRules judges separators. Words that no digest covers decide nothing, legible or not (row EL-02).
            if error.reason == .separator { return [] }
            let isPolicy = event.pcr?.rawValue == policyRegister
            if error.reason == .type, !isPolicy, event.dataVerified == nil { return [] }
            let severity: LogFinding.Severity = error.reason == .type && !isPolicy ? .warning : .contraindicated
            return [
                LogFinding(
                    error.reason, event, severity: severity, expected: "data of \(event.untrustedEventType)",
                    seen: error.parsingError.description, "The event's data does not have the form of its type.")
            ]
        }
    }

    /// Rows EL-16 to EL-18, for the variables whose form the specification fixes.
    private static func variableForm(
        _ event: TCGPCREvent2, _ variable: UEFIVariableData, _ policyRegister: UInt8
    ) throws(EventDataError) -> [LogFinding] {
        var findings: [LogFinding] = []
        if !variable.nameIsPlain {
            findings.append(
                LogFinding(
                    .variable, event, expected: "a name in valid UTF-16 without NUL", seen: variable.name,
                    "The variable's name holds a NUL or a lone surrogate."))
        }
        if let known = SecureBootVariable(variable.name), event.pcr?.rawValue == policyRegister {
            findings += try secureBootForm(event, variable, known)
        } else if variable.isBootOption {
            do { _ = try event.loadOption(of: variable) } catch  where error.reason == .depth { throw error } catch {}
        }
        return findings
    }

    private static func secureBootForm(
        _ event: TCGPCREvent2, _ variable: UEFIVariableData, _ known: SecureBootVariable
    ) throws(EventDataError) -> [LogFinding] {
        guard variable.vendor == known.vendor else {
            return [
                LogFinding(
                    .variable, event, expected: "\(known.rawValue) of \(known.vendor.name)",
                    seen: variable.vendor.description, "Another vendor's variable bears the name of Secure Boot policy."
                )
            ]
        }
        guard event.untrustedEventType != .efiVariableAuthority else { return [] }
        let value = event.log[variable.valueRange]
        if known.isSignatureDatabase {
            _ = try EFISignatureList.parse(value.span, baseOffset: variable.valueRange.lowerBound)
        } else if value.count != 1 || value.first.map({ $0 > 1 }) ?? true {
            return [
                LogFinding(
                    .variable, event, quirk: value.isEmpty ? .emptySecureBoot : nil, expected: "one byte, 0 or 1",
                    seen: event.description,
                    "SecureBoot has a value that is neither off nor on.")
            ]
        }
        return []
    }
}

extension TCGPCREvent2 {
    /// Whether the last byte lies behind the variable that the event is about: nothing is said by it.
    var endsInPadding: Bool {
        guard case .variable(let variable)? = try? decoded() else { return false }
        return variable.trailingBytes > 0
    }
}
