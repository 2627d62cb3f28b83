internal import ReferenceValues
internal import TPMStructures

/// How the events of one register differ from its references. Which differences there are, and of which layer, follows from
/// digests and their order alone; names only choose which of several differences are shown side by side.
struct RegisterComparison {
    enum Difference {
        /// Another component stands where this one is expected.
        case changed(MeasuredEvent, CompiledReferences.ExpectedEvent)
        case unexpected(MeasuredEvent)
        case missing(CompiledReferences.ExpectedEvent)
        /// Known, but in another place of the register.
        case moved(MeasuredEvent, CompiledReferences.ExpectedEvent)
    }

    /// Event index → its reference.
    private(set) var matched: [Int: CompiledReferences.ExpectedEvent] = [:]
    private(set) var differences: [Difference] = []

    init(
        _ events: [MeasuredEvent], _ expected: [CompiledReferences.ExpectedEvent], isOrdered: Bool, banks: [PCRBank]
    ) {
        let isMatch = { (event: Int, rule: Int) in expected[rule].matches(events[event].digests, banks: banks) }
        let pairs =
            isOrdered
            ? SequenceAlignment.pairs(events.count, expected.count, isMatch: isMatch)
            : Self.unordered(events.count, expected.count, isMatch)
        for (event, rule) in pairs { matched[events[event].index] = expected[rule] }
        var unexpected = Set(events.indices).subtracting(pairs.map(\.0))
        var missing = Set(expected.indices).subtracting(pairs.map(\.1))
        if isOrdered {
            for event in unexpected.sorted() {
                guard let rule = missing.sorted().first(where: { isMatch(event, $0) }) else { continue }
                unexpected.remove(event)
                missing.remove(rule)
                matched[events[event].index] = expected[rule]
                differences.append(.moved(events[event], expected[rule]))
            }
        }
        missing = missing.filter { !expected[$0].isOptional }
        let gaps = Gaps(pairs: pairs, isOrdered: isOrdered)
        for rule in missing.sorted() {
            let candidates = unexpected.filter { gaps.ofEvent($0) == gaps.ofRule(rule) }
            guard let event = Self.likest(candidates.sorted(), events, expected[rule]) else {
                differences.append(.missing(expected[rule]))
                continue
            }
            unexpected.remove(event)
            differences.append(.changed(events[event], expected[rule]))
        }
        differences += unexpected.sorted().map { .unexpected(events[$0]) }
    }

    private static func unordered(_ events: Int, _ rules: Int, _ isMatch: (Int, Int) -> Bool) -> [(Int, Int)] {
        var free = Set(0..<rules)
        var pairs: [(Int, Int)] = []
        for event in 0..<events {
            guard let rule = free.sorted().first(where: { isMatch(event, $0) }) else { continue }
            free.remove(rule)
            pairs.append((event, rule))
        }
        return pairs
    }

    /// The event that looks most like the expected one: same type, then the longest common beginning of the names.
    private static func likest(
        _ candidates: [Int], _ events: [MeasuredEvent], _ expected: CompiledReferences.ExpectedEvent
    ) -> Int? {
        func likeness(_ event: MeasuredEvent) -> Int {
            let common = zip(event.untrustedName.unicodeScalars, expected.name.unicodeScalars).prefix { $0 == $1 }.count
            return common * 2 + (event.untrustedType == expected.type ? 1 : 0)
        }
        var best: (event: Int, likeness: Int)?
        for candidate in candidates {
            let value = likeness(events[candidate])
            if value > best?.likeness ?? -1 { best = (candidate, value) }
        }
        return best?.event
    }

    /// The stretches between matched pairs: only differences of one stretch are shown side by side.
    private struct Gaps {
        let pairs: [(Int, Int)]
        let isOrdered: Bool
        func ofEvent(_ event: Int) -> Int { isOrdered ? pairs.count { $0.0 < event } : 0 }
        func ofRule(_ rule: Int) -> Int { isOrdered ? pairs.count { $0.1 < rule } : 0 }
    }
}
