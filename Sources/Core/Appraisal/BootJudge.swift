internal import ReferenceValues
internal import TCGEventLog
internal import TPMCryptography
internal import TPMStructures

/// Judges layers 2 to 6: the event log against the quoted registers (replay), against the profile (the log's own findings),
/// and against the references.
struct BootJudge {
    let pcrs: AttestedPCRs
    let references: CompiledReferences
    private let revocations: CompiledRevocations?
    /// Banks that are both quoted and named by the references.
    private let banks: [PCRBank]
    private let covered: [LayerID]
    private var findings: [Finding] = []
    /// How often each waiver, by its place in the set, was used.
    private var waived: [Int: Int] = [:]
    private var placed: [FindingKind: Int] = [:]
    /// Of one kind in one register: a log may hold 65,536 events, each of them wrong. No tier depends on what is left out,
    /// which is only more of what is listed.
    private static let maximumFindings = 1024
    private struct FindingKind: Hashable {
        var id: LogReason
        var severity: LogFinding.Severity
        var pcr: PCRIndex?
    }

    init(pcrs: AttestedPCRs, references: CompiledReferences, revocations: CompiledRevocations?) {
        self.revocations = revocations
        self.pcrs = pcrs
        self.references = references
        covered = LayerID.boot.filter { references.layers[$0] != nil }
        let quoted = references.banks.filter { pcrs.values.banks[$0]?.isEmpty == false }
        // SHA-1 alone decides nothing where the references name a stronger bank (EL-25).
        banks = quoted == [.sha1] && references.banks != [.sha1] ? [] : quoted
    }

    mutating func run(eventLog: [UInt8]?) -> BootAppraisal {
        if banks.isEmpty {
            let wanted = references.banks.map(\.name).joined(separator: ", ")
            missEverywhere(FindingID.quotedBanks, "no bank of the references (\(wanted)) is quoted")
        } else {
            checkSelection()
            values()
            judge(eventLog)
        }
        return BootAppraisal(
            layers: LayerID.boot.map { id in
                let own = findings.filter { $0.layer == id }
                let isCovered = covered.contains(id)
                return BootAppraisal.Layer(
                    id: id, tier: isCovered ? Tier.worst(of: own.map(\.tier)) : .none, covered: isCovered,
                    findings: own)
            },
            waivers: waived.sorted { $0.key < $1.key }.map { index, count in
                let waiver = references.waivers[index]
                return AttestationResult.AppliedWaiver(
                    finding: waiver.finding, pcr: waiver.pcr, count: count, reason: waiver.reason)
            })
    }

    // MARK: Placing findings

    private mutating func missEverywhere(_ id: String, _ detail: String) {
        for layer in covered { findings.append(Finding(id, .none, layer, detail: detail)) }
    }

    /// The covered layer that a finding in `pcr` breaks, so that nothing falls between covered layers.
    private func layer(_ preferred: LayerID?, _ pcr: PCRIndex?) -> LayerID? {
        if let preferred, covered.contains(preferred) { return preferred }
        if let pcr, let layer = covered.first(where: { $0.pcrs.contains(pcr) }) { return layer }
        return covered.first
    }

    private func isJudged(_ pcr: PCRIndex) -> Bool {
        switch references.rules[pcr] {
        case .values, .events: true
        case .ignore, nil: false
        }
    }

    // MARK: Registers

    /// Every judged register must be quoted in every judged bank.
    private mutating func checkSelection() {
        for pcr in references.judgedPCRs.indices {
            for bank in banks where pcrs[bank, pcr] == nil {
                guard let layer = layer(.layer(ofUnknownEventIn: pcr), pcr) else { continue }
                findings.append(
                    Finding(
                        FindingID.quotedRegisters, .none, layer, pcr: Int(pcr.rawValue),
                        detail: "PCR \(pcr) of bank \(bank) is not quoted"))
            }
        }
    }

    private mutating func values() {
        for pcr in references.judgedPCRs.indices {
            guard case .values(let alternatives)? = references.rules[pcr],
                let layer = layer(.layer(ofUnknownEventIn: pcr), pcr)
            else { continue }
            let agrees = alternatives.contains { alternative in
                banks.allSatisfy { alternative[$0] != nil && alternative[$0] == pcrs[$0, pcr] }
            }
            guard !agrees, let bank = banks.last else { continue }
            findings.append(
                Finding(
                    FindingID.registerValue, .contraindicated, layer, pcr: Int(pcr.rawValue), name: "PCR \(pcr)",
                    expected: alternatives.compactMap { $0[bank]?.description }.joined(separator: " or "),
                    seen: pcrs[bank, pcr]?.description, detail: "PCR \(pcr) holds none of its reference values"))
        }
    }

    // MARK: The log

    private mutating func judge(_ eventLog: [UInt8]?) {
        guard let eventLog else {
            missEverywhere(FindingID.logMissing, "no event log was sent")
            for (pcr, rule) in references.rules.sorted(by: { $0.key < $1.key }) {
                compareSum(pcr, rule)
            }
            return
        }
        let log: TCGEventLog
        do throws(TCGEventLogError) {
            // A TPM's quote covers PCRs: a log that calls itself another kind is judged by the same rules.
            log = try TCGEventLog(parsing: eventLog, registers: .pcrs)
        } catch {
            missEverywhere(FindingID.evidenceMissing, "the event log cannot be read")
            if let layer = covered.first {
                findings.append(
                    Finding(
                        error.reason.rawValue, .contraindicated, layer,
                        detail: String(describing: error.parsingError)))
            }
            return
        }
        guard !Set(log.banks).isDisjoint(with: banks) else {
            missEverywhere(FindingID.evidenceMissing, "the event log has no digest of a judged bank")
            if let layer = covered.first {
                let (wanted, has) = (banks.map(\.name), log.banks.map(\.name))
                findings.append(
                    Finding(
                        FindingID.format, .contraindicated, layer, expected: wanted.joined(separator: ", "),
                        seen: has.joined(separator: ", "),
                        detail: "the event log's banks are not those that the references demand"))
            }
            return
        }
        replay(log)
        for finding in log.bankFindings(attested: Set(pcrs.values.banks.filter { !$0.value.isEmpty }.keys)) {
            place(finding)
        }
        let broken = log.findings()
        for finding in broken { place(finding) }
        note(log.quirks(findings: broken))
        let events = log.measuredEvents()
        for (pcr, rule) in references.rules.sorted(by: { $0.key < $1.key }) {
            let matched = compare(pcr, rule, events[pcr] ?? [])
            deny(events[pcr] ?? [], matched)
        }
        if let revocations {
            findings += RevocationCheck(revocations: revocations).findings(log, events) { layer($0, $1) }
        }
        reportOthers(events)
    }

    /// Every judged register, in every quoted bank, must be what the log adds up to (QF-06, EL-14, EL-24).
    private mutating func replay(_ log: TCGEventLog) {
        let outcome = log.replay(against: pcrs, covering: references.judgedPCRs)
        if case .nothingToCompare = outcome {
            return missEverywhere(FindingID.replay, "the quote signs no register of the references")
        }
        for (pcr, mismatches) in Dictionary(grouping: outcome.mismatches, by: \.pcr).sorted(by: { $0.key < $1.key }) {
            guard let first = mismatches.max(by: { $0.bank < $1.bank }),
                let layer = layer(.layer(ofUnknownEventIn: pcr), pcr)
            else { continue }
            findings.append(
                Finding(
                    FindingID.replay, .contraindicated, layer, pcr: Int(pcr.rawValue), name: "PCR \(pcr)",
                    expected: first.replayed.description, seen: first.attested.description,
                    detail: mismatches.map(\.description).joined(separator: "; ")))
        }
    }

    private mutating func place(_ finding: LogFinding) {
        // An idle bank is the whole log's matter, whichever register names it.
        let judged = finding.id == .bankUnused || finding.pcr.map(isJudged) ?? true
        let preferred = finding.pcr.flatMap { LayerID.layer(ofUnknownEventIn: $0) }
        guard let layer = judged ? layer(preferred, finding.pcr) : preferred else { return }
        var result = Finding(finding, layer: layer)
        if !judged {
            result.tier = .affirming
        } else if finding.isWaivable, takeWaiver(finding) {
            result.tier = .affirming
            result.waived = true
        }
        if result.waived != true {
            let kind = FindingKind(id: finding.id, severity: finding.severity, pcr: finding.pcr)
            placed[kind, default: 0] += 1
            guard placed[kind, default: 0] <= Self.maximumFindings else { return }
        }
        findings.append(result)
    }

    /// Deviations without weight; those with one are findings already.
    private mutating func note(_ quirks: [ObservedQuirk]) {
        for quirk in quirks where quirk.quirk.entry.reason == nil {
            guard let layer = layer(quirk.pcr.flatMap { LayerID.layer(ofUnknownEventIn: $0) }, quirk.pcr) else {
                continue
            }
            findings.append(Finding(quirk, layer: layer))
        }
    }

    private mutating func takeWaiver(_ finding: LogFinding) -> Bool {
        guard let pcr = finding.pcr else { return false }
        // A bank that decides something must be firmware's; one that nobody judges may lie idle.
        if finding.id == .bankUnused, banks.contains(where: { $0.name == finding.name }) { return false }
        let digests = Set(finding.digests.filter { banks.contains($0.algorithm) }.map(\.description))
        for (index, waiver) in references.waivers.enumerated() {
            guard waiver.finding == finding.id.rawValue, waiver.pcr == Int(pcr.rawValue),
                waived[index, default: 0] < waiver.count,
                finding.digests.isEmpty
                    ? waiver.digests.isEmpty : !digests.isEmpty && digests.isSubset(of: waiver.digests)
            else { continue }
            waived[index, default: 0] += 1
            return true
        }
        return false
    }

    // MARK: References

    private mutating func compare(
        _ pcr: PCRIndex, _ rule: CompiledReferences.Rule, _ events: [MeasuredEvent]
    ) -> [Int: CompiledReferences.ExpectedEvent] {
        guard case .events(let expected, let isOrdered) = rule else { return [:] }
        let comparison = RegisterComparison(events, expected, isOrdered: isOrdered, banks: banks)
        var unexpected = 0
        for difference in comparison.differences {
            // All unexpected events of a register break the same layer: beyond the cap only the list is shorter.
            if case .unexpected = difference {
                unexpected += 1
                guard unexpected <= Self.maximumFindings else { continue }
            }
            let preferred: LayerID? =
                switch difference {
                case .changed(_, let rule), .missing(let rule), .moved(_, let rule): rule.layer
                case .unexpected: .layer(ofUnknownEventIn: pcr)
                }
            guard let layer = layer(preferred, pcr) else { continue }
            let onUnknown = references.layers[layer]?.onUnknown ?? .fail
            findings.append(DifferenceFinding.make(difference, pcr, layer, onUnknown, banks))
        }
        return comparison.matched
    }

    /// The deny-list beats every rule, wherever the digest appears (EL-20).
    private mutating func deny(_ events: [MeasuredEvent], _ matched: [Int: CompiledReferences.ExpectedEvent]) {
        guard !references.denied.isEmpty else { return }
        for event in events {
            guard let digest = event.digests.values.first(where: { references.denied[$0] != nil }),
                let entry = references.denied[digest],
                let layer = layer(matched[event.index]?.layer ?? .layer(ofUnknownEventIn: event.pcr), event.pcr)
            else { continue }
            findings.append(
                Finding(
                    FindingID.revokedComponent, .contraindicated, layer, pcr: Int(event.pcr.rawValue),
                    event: event.index, untrustedType: event.untrustedType, name: entry.name,
                    seen: digest.description, detail: "\(entry.name) is on the deny-list: \(entry.reason)"))
        }
    }

    /// Without a log: a register whose references allow exactly one sum either holds it or contradicts them.
    private mutating func compareSum(_ pcr: PCRIndex, _ rule: CompiledReferences.Rule) {
        guard case .events(let expected, true) = rule, let bank = banks.last, let seen = pcrs[bank, pcr],
            expected.allSatisfy({ !$0.isOptional && $0.alternatives.count == 1 }),
            let layer = layer(.layer(ofUnknownEventIn: pcr), pcr)
        else { return }
        let sums = (pcr.rawValue == 0 ? [0, 3, 4] : [0]).compactMap { (locality: UInt8) -> Digest? in
            var state = PCRState(PCRReplay.initialValue(pcr, bank: bank, startupLocality: locality))
            for event in expected {
                guard let digest = event.alternatives.first?[bank], state.extend(with: digest) else { return nil }
            }
            return state.value
        }
        guard let expectedSum = sums.first, !sums.contains(seen) else { return }
        findings.append(
            Finding(
                FindingID.registerValue, .contraindicated, layer, pcr: Int(pcr.rawValue), name: "PCR \(pcr)",
                expected: expectedSum.description, seen: seen.description,
                detail: "PCR \(pcr) does not hold what the references add up to; no event log says why"))
    }

    /// PCR 15 is the operating system's: reported, never judged.
    private mutating func reportOthers(_ events: [PCRIndex: [MeasuredEvent]]) {
        guard let pcr = PCRIndex(15), let count = events[pcr]?.count, count > 0, let layer = layer(.kernel, nil)
        else { return }
        findings.append(
            Finding(FindingID.reported, .affirming, layer, pcr: 15, detail: "\(count) events, which nobody judges"))
    }
}
