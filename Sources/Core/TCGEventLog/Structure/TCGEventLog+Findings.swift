public import TPMStructures

extension TCGEventLog {
    /// All rules of the profile that the log breaks, the log's own findings first, then by PCR and order of events.
    ///
    /// Values, never errors: honest firmware breaks some of these rules, and an approved reference set may waive what it
    /// has seen (``LogFinding/isWaivable``). No rule depends on the order of events of different PCRs. An empty list says
    /// nothing about trust: digests are compared with reference values elsewhere.
    public func findings() -> [LogFinding] {
        let streams = PCRStream.all(of: self)
        var findings = NoActionRules.findings(self)
        guard registers == .pcrs else { return findings + MeasurementRegisterRules.findings(self, streams) }
        for stream in streams {
            for event in stream.events {
                findings += EventRules.findings(event, algorithms: algorithms, policyRegister: 7)
            }
            if stream.pcr.rawValue <= 7 { findings += SeparatorRules.findings(stream) }
            findings += OrderRules.findings(stream)
        }
        findings += SecureBootRules.findings(streams[7])
        findings += ExitBootRules.findings(streams[5])
        return findings
    }

    /// Whether the log speaks for the banks that a TPM quotes.
    ///
    /// - Parameter attested: The banks that the signed selection holds, all that the TPM has allocated.
    /// - Returns: `LOG_FORMAT` when a SHA-1 log shall account for another bank (row EL-25); `LOG_BANK_UNUSED` for a bank
    ///   that firmware does not extend, which anyone could fill later (row QF-06), placed in PCR 0, the first of the bank
    ///   that firmware should have extended.
    public func bankFindings(attested: Set<PCRBank>) -> [LogFinding] {
        let extended = replay().extended
        var findings: [LogFinding] = []
        for bank in attested.sorted() {
            if format == .sha1, bank != .sha1 {
                findings.append(
                    LogFinding(
                        missing: .format, nil, name: bank.name, expected: "a crypto-agile log with \(bank) digests",
                        "A SHA-1 log cannot account for the quoted \(bank) bank."))
            }
            let used = extended[bank]?.indices.contains { $0.rawValue <= 7 } ?? false
            if !used {
                findings.append(
                    LogFinding(
                        missing: .bankUnused, PCRIndex(0), quirk: .unusedBank, name: bank.name,
                        expected: "digests of \(bank) for PCR 0–7",
                        "The TPM's \(bank) bank is allocated but the firmware's log extends none of its PCRs."))
            }
        }
        return findings
    }
}
