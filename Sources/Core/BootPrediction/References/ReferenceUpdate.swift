internal import Appraisal
public import ReferenceValues
internal import TCGEventLog
internal import TPMCryptography
internal import TPMStructures

extension PredictedBoot {
    /// What becomes of the old values.
    public enum ReferenceMode: Hashable, Sendable {
        /// The predicted events take their place.
        case replace
        /// Both are allowed, for the time in which nodes reboot one by one. Looser than two sets: an event that only one of the
        /// two boots has becomes optional for itself.
        case alternatives
    }

    /// The draft reference set of the next boot: `set` with the rules of changed events changed. Rules of registers in which
    /// nothing changes stay exactly as they are, and so do layers, waivers, validity and deny-list.
    ///
    /// - Parameter set: A set that the last boot fulfils in the registers that change.
    /// - Throws: ``PredictionError`` where the set's rules are not those of the last boot's events.
    public func references(
        updating set: ReferenceSet, _ mode: ReferenceMode, label: String
    ) throws(PredictionError) -> ReferenceSet {
        let compiled: CompiledReferences
        do throws(ReferenceSetError) { compiled = try CompiledReferences(set) } catch {
            throw PredictionError(.malformed, "the reference set: \(error)")
        }
        guard compiled.banks.allSatisfy(base.banks.contains) else {
            throw PredictionError(.baseMismatch, "the last boot's log lacks a bank of the reference set")
        }
        var result = set
        for index in result.pcrs.indices {
            guard let pcr = PCRIndex(result.pcrs[index].pcr), changes(pcr) else { continue }
            switch result.pcrs[index].rule {
            case .ignore: continue
            case .values:
                let value = try value(pcr, compiled.banks)
                let old = mode == .alternatives ? result.pcrs[index].values ?? [] : []
                result.pcrs[index].values = old.contains(value) ? old : old + [value]
            case .events:
                guard case .events(let expected, _)? = compiled.rules[pcr] else { continue }
                result.pcrs[index].events = try rules(
                    pcr, result.pcrs[index].events ?? [], expected, compiled.banks, mode)
            }
        }
        result.provenance.append(label)
        return result
    }

    private func changes(_ pcr: PCRIndex) -> Bool {
        removed.contains { base.events[$0].pcr == pcr }
            || zip(log.events, origins).contains { event, origin in
                if case .kept = origin { false } else { event.pcr == pcr }
            }
    }

    private func value(_ pcr: PCRIndex, _ banks: [PCRBank]) throws(PredictionError) -> [String: String] {
        let replay = log.replay()
        return Dictionary(banks.compactMap { bank in replay.values[bank, pcr].map { (bank.name, $0.hex) } }) {
            first, _ in
            first
        }
    }

    private func rules(
        _ pcr: PCRIndex, _ old: [ReferenceSet.EventRule], _ expected: [CompiledReferences.ExpectedEvent],
        _ banks: [PCRBank], _ mode: ReferenceMode
    ) throws(PredictionError) -> [ReferenceSet.EventRule] {
        let before = base.measuredEvents()[pcr] ?? []
        let pairs = SequenceAlignment.pairs(before.count, expected.count) { event, rule in
            expected[rule].anyContent != nil || expected[rule].matches(before[event].digests, banks: banks)
        }
        let matched = Dictionary(pairs) { first, _ in first }
        if let stranger = before.indices.first(where: { matched[$0] == nil }) {
            throw PredictionError(
                .baseMismatch,
                "the reference set is not that of the last boot: no rule of PCR \(pcr) allows event \(before[stranger].index), "
                    + before[stranger].untrustedName)
        }
        let ruleOf = Dictionary(pairs.map { (before[$0.0].index, $0.1) }) { first, _ in first }
        var result: [ReferenceSet.EventRule] = []
        var next = 0
        func take(until rule: Int) {
            for (number, rule) in zip(next..., old[next..<max(next, rule)]) {
                guard ruleOf.values.contains(number) else {
                    result.append(rule)
                    continue
                }
                // The rule of an event that will not come again.
                guard mode == .alternatives else { continue }
                var optional = rule
                optional.optional = true
                result.append(optional)
            }
            next = max(next, rule)
        }
        for (event, origin) in zip(log.measuredEvents()[pcr] ?? [], originsByEvent(pcr)) {
            switch origin {
            case .kept(let index), .changed(let index):
                guard let rule = ruleOf[index] else { continue }
                take(until: rule)
                next = max(next, rule + 1)
                if case .kept = origin {
                    result.append(old[rule])
                } else {
                    result.append(Self.change(old[rule], ReferenceCapture.rule(for: event, banks: banks), mode))
                }
            case .added:
                if let following = followingRule(event.index, pcr, ruleOf) { take(until: following) }
                var rule = ReferenceCapture.rule(for: event, banks: banks)
                if mode == .alternatives { rule.optional = true }
                result.append(rule)
            }
        }
        take(until: old.count)
        return result
    }

    private func originsByEvent(_ pcr: PCRIndex) -> [Origin] {
        zip(log.events, origins).filter { $0.0.isExtended && $0.0.pcr == pcr }.map(\.1)
    }

    /// The rule behind the last one that the next kept event has: removed events between stay before an added one.
    private func followingRule(_ index: Int, _ pcr: PCRIndex, _ ruleOf: [Int: Int]) -> Int? {
        for place in index + 1..<max(index + 1, log.events.count) where log.events[place].pcr == pcr {
            switch origins[place] {
            case .kept(let base), .changed(let base): return ruleOf[base]
            case .added: continue
            }
        }
        return nil
    }

    private static func change(
        _ old: ReferenceSet.EventRule, _ new: ReferenceSet.EventRule, _ mode: ReferenceMode
    ) -> ReferenceSet.EventRule {
        // Whatever stands there is allowed already.
        guard old.anyContent == nil else { return old }
        var result = new
        // Names and layers are the operators' where they gave their own.
        result.layer = old.layer ?? new.layer
        result.optional = old.optional
        guard mode == .alternatives else { return result }
        result.digests = (old.digests ?? []) + (new.digests ?? []).filter { !(old.digests ?? []).contains($0) }
        result.commandLines =
            (old.commandLines ?? []) + (new.commandLines ?? []).filter { !(old.commandLines ?? []).contains($0) }
        if result.digests?.isEmpty == true { result.digests = nil }
        if result.commandLines?.isEmpty == true { result.commandLines = nil }
        return result
    }
}
