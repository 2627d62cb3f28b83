internal import ByteParsing
public import TPMStructures

/// What a list breaks. A value, never an error: all of them are listed.
public struct IMAFinding: Hashable, Sendable {
    public let id: IMAReason
    /// nil for a finding about the whole list or many entries.
    public let entry: Int?
    public let pcr: PCRIndex?
    /// The file's or buffer's name, escaped.
    public let name: String
    public let expected: String
    public let seen: String
    /// One sentence for an operator.
    public let detail: String

    init(
        _ id: IMAReason, entry: Int? = nil, pcr: PCRIndex? = nil, name: String = "", expected: String = "",
        seen: String = "", _ detail: String
    ) {
        self.id = id
        self.entry = entry
        self.pcr = pcr
        self.name = name
        self.expected = expected
        self.seen = seen
        self.detail = detail
    }
}

extension IMAReplay {
    /// What the entries so far break, whatever the references say: first what is about the whole list, then entries in
    /// their order, then how many more there are of a kind.
    ///
    /// - Parameter attested: Register values that the boot aggregate must agree with; nil leaves that out.
    public func findings(attested: PCRValues?) -> [IMAFinding] {
        var findings = bootAggregateFindings(attested)
        findings += occurrences.map(Self.finding)
        for anomaly in IMAAnomaly.allCases {
            let tally = tally(anomaly)
            let shown = occurrences.count { $0.anomaly == anomaly }
            guard tally.count > shown else { continue }
            findings.append(
                IMAFinding(
                    anomaly.reason, entry: shown == 0 ? tally.firstEntry : nil,
                    "\(tally.count - shown) \(shown == 0 ? "" : "more ")entries, the first is entry \(tally.firstEntry): "
                        + Self.meaning(anomaly)))
        }
        if tally(.laterBootAggregate).count > 0 {
            findings.append(
                IMAFinding(
                    .kexec, entry: tally(.laterBootAggregate).firstEntry, name: "boot_aggregate",
                    "a second boot aggregate: another kernel took over without a reset"))
        }
        return findings
    }

    private func bootAggregateFindings(_ attested: PCRValues?) -> [IMAFinding] {
        guard let bootAggregate else {
            var findings = [
                IMAFinding(
                    .bootAggregate, name: "boot_aggregate", expected: "entry 0", seen: "no such entry",
                    "nothing ties the list to this boot: it holds no boot aggregate")
            ]
            if entryCount > 0 {
                findings.append(
                    IMAFinding(
                        .trimmed, entry: 0,
                        "the list does not begin with this boot: entries before its first one are missing"))
            }
            return findings
        }
        let digest = bootAggregate.digest.description
        func finding(_ expected: String, _ detail: String) -> IMAFinding {
            IMAFinding(
                .bootAggregate, entry: bootAggregate.index, pcr: Self.pcr, name: "boot_aggregate", expected: expected,
                seen: digest, detail)
        }
        var findings: [IMAFinding] = []
        if bootAggregate.index != 0 { findings.append(finding("entry 0", "the boot aggregate is not the first entry")) }
        guard let attested else { return findings }
        switch bootAggregate.compare(with: attested) {
        case .agrees: break
        case .disagrees(let expected):
            let registers = IMABootAggregate.registers(expected.algorithm)
            findings.append(
                finding(
                    expected.description,
                    "the boot aggregate is not the digest of PCR \(registers.lowerBound) to \(registers.upperBound) of the "
                        + "\(expected.algorithm) bank"))
        case .withoutTPM:
            findings.append(
                finding("a digest over registers", "the kernel that wrote the boot aggregate found no TPM"))
        case .unknown:
            findings.append(
                finding(
                    "a digest over attested registers",
                    "the boot aggregate names a bank whose registers are not attested"))
        }
        return findings
    }

    private static func meaning(_ anomaly: IMAAnomaly) -> String {
        switch anomaly {
        case .violation: "a file was open for writing while it was measured"
        case .templateDigest: "the listed template digest is not that of the entry's data"
        case .unknownTemplate: "the template is unknown, so nothing in the entry can be judged"
        case .templateChange: "another template than the list began with"
        case .laterBootAggregate: "the boot aggregate occurs again"
        case .kexec: "another kernel was loaded or started by kexec"
        }
    }

    private static func finding(_ occurrence: IMAOccurrence) -> IMAFinding {
        var expected = ""
        var seen = ""
        switch occurrence.anomaly {
        case .templateDigest:
            expected = Hex.encode(occurrence.expected)
            seen = Hex.encode(occurrence.seen)
        case .unknownTemplate, .templateChange:
            expected = IMAText.escape(occurrence.expected)
            seen = IMAText.escape(occurrence.seen)
        case .violation, .laterBootAggregate, .kexec: break
        }
        return IMAFinding(
            occurrence.anomaly.reason, entry: occurrence.entry, pcr: occurrence.pcr,
            name: IMAText.escape(occurrence.name), expected: expected, seen: seen, meaning(occurrence.anomaly))
    }
}
