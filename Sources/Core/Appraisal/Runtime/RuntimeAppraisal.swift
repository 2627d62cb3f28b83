public import IMAMeasurementList
public import ReferenceValues
internal import TPMStructures

/// What the measurement list and the quoted registers say about layer 7.
public struct RuntimeAppraisal: Hashable, Sendable, Codable {
    public var findings: [Finding]
    /// Whether the quote stands for a list in which another kernel was started by a kexec that the references allow.
    private var hasAllowedKexec = false

    public init(findings: [Finding]) { self.findings = findings }

    /// Whether every kernel that runs, or ran, without a reset of the TPM is one that the references allow. A list with
    /// anything against it shows nothing.
    var showsAllowedKexec: Bool {
        hasAllowedKexec && !findings.contains { $0.tier == .contraindicated || $0.tier == .none }
    }

    /// Judges what was found of the entries that a quote stands for, as of now.
    ///
    /// - Parameters:
    ///   - list: what the quote stands for, from the first entry on.
    ///   - summary: of exactly these entries; a summary of more, fewer, or under other references proves nothing.
    ///   - milliseconds: since 1970; signers must be valid at this instant.
    public init(
        _ list: ReplayedIMAList, _ summary: RuntimeSummary, by rules: CompiledRuntime, at milliseconds: Int64
    ) {
        guard summary.isUsable(under: rules), summary.entryCount == list.entryCount else {
            findings = [
                Finding(
                    FindingID.evidenceMissing, .none, .runtime, pcr: LayerID.measurementListPCR,
                    detail: "\(summary.entryCount) of \(list.entryCount) entries were judged under these references")
            ]
            return
        }
        hasAllowedKexec = summary.allowedKexecs > 0
        // What entries show by themselves; violations, kexec and boot aggregates are the references' matter.
        findings = list.findings.filter { [.template, .templateDigest].contains($0.id) }.map { Finding($0) }
        findings += summary.findings.map { Self.named($0, rules.denied) }
        counts(summary)
        if summary.entryCount < rules.minimumEntries {
            findings.append(
                Finding(
                    IMAReason.notActive.rawValue, .contraindicated, .runtime, pcr: LayerID.measurementListPCR,
                    expected: "\(rules.minimumEntries) entries", seen: "\(summary.entryCount) entries",
                    detail: "the kernel measured too little: IMA is off, or its policy was weakened"))
        }
        bootAggregate(summary, list.attested)
        signers(summary, rules, milliseconds)
    }

    /// The deny-list's own name and reason, where the entry is on it.
    private static func named(_ finding: Finding, _ denied: [Digest: CompiledReferences.Denied]) -> Finding {
        guard finding.id == FindingID.revokedComponent, let digest = finding.seen.flatMap({ Digest($0) }),
            let entry = denied[digest]
        else { return finding }
        var result = finding
        result.detail += ": \(entry.name), \(entry.reason)"
        return result
    }

    private mutating func counts(_ summary: RuntimeSummary) {
        for (id, count) in summary.counts.sorted(by: { $0.key < $1.key }) where count > RuntimeSummary.maximumFindings {
            guard let first = summary.findings.first(where: { $0.id == id }) else { continue }
            findings.append(
                Finding(
                    id, first.tier, .runtime, pcr: LayerID.measurementListPCR,
                    detail: "\(count) entries in all; the first \(RuntimeSummary.maximumFindings) are listed"))
        }
    }

    private mutating func signers(_ summary: RuntimeSummary, _ rules: CompiledRuntime, _ milliseconds: Int64) {
        for (number, count) in summary.signed.sorted(by: { $0.key < $1.key }) {
            let signer = rules.signers.dropFirst(number).first
            guard signer?.isValid(at: milliseconds) != true else { continue }
            let name = signer?.name ?? "signer \(number)"
            findings.append(
                Finding(
                    IMAReason.signature.rawValue, .contraindicated, .runtime, pcr: LayerID.measurementListPCR,
                    name: name,
                    expected: "a valid certificate", seen: "outside its validity",
                    detail: "the certificate of \(name) is not valid now; \(count) entries rest on it"))
        }
    }

    /// Compared anew with each quote: what the summary keeps is the listed digest.
    private mutating func bootAggregate(_ summary: RuntimeSummary, _ attested: PCRValues) {
        guard let text = summary.bootAggregate else {
            if summary.counts[IMAReason.bootAggregate.rawValue] == nil {
                add(.contraindicated, expected: "boot_aggregate", seen: "nothing", "the list has no boot aggregate")
            }
            return
        }
        guard let digest = Digest(text) else {
            return add(
                .contraindicated, expected: nil, seen: text, "the boot aggregate is no digest of a register's algorithm"
            )
        }
        guard let expected = IMABootAggregate.compute(digest.algorithm, attested) else {
            return add(
                .none, expected: nil, seen: text,
                "the registers of bank \(digest.algorithm) that the boot aggregate is over are not all quoted")
        }
        guard expected != digest else { return }
        add(
            .contraindicated, expected: expected.description, seen: text,
            "the boot aggregate is not that of the quoted registers: the list is of another boot")
    }

    private mutating func add(_ tier: Tier, expected: String?, seen: String?, _ detail: String) {
        findings.append(
            Finding(
                IMAReason.bootAggregate.rawValue, tier, .runtime, pcr: LayerID.measurementListPCR, event: 0,
                name: "boot_aggregate", expected: expected, seen: seen, detail: "entry 0: \(detail)"))
    }
}

extension Finding {
    /// What a list breaks whatever the references say, in layer `runtime`.
    public init(_ finding: IMAFinding) {
        self.init(
            finding.id.rawValue, .contraindicated, .runtime,
            pcr: finding.pcr.map { Int($0.rawValue) } ?? LayerID.measurementListPCR, event: finding.entry,
            name: finding.name.isEmpty ? nil : finding.name,
            expected: finding.expected.isEmpty ? nil : finding.expected,
            seen: finding.seen.isEmpty ? nil : finding.seen,
            detail: finding.entry.map { "entry \($0): \(finding.detail)" } ?? finding.detail)
    }
}
