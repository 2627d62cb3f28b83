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

    /// How many unexpected events a missing reference is likened to: bounds the work that a flood of events costs.
    private static let maximumLikened = 64

    /// Event index → its reference.
    private(set) var matched: [Int: CompiledReferences.ExpectedEvent] = [:]
    private(set) var differences: [Difference] = []

    init(
        _ events: [MeasuredEvent], _ expected: [CompiledReferences.ExpectedEvent], isOrdered: Bool, banks: [PCRBank]
    ) {
        let candidates = Self.candidates(events, expected, banks)
        let pairs =
            isOrdered
            ? Self.demanding(
                SequenceAlignment.pairs(events.count, expected.count) { candidates[$0].contains($1) }, candidates,
                expected)
            : Self.unordered(candidates, expected)
        var freeEvents = [Bool](repeating: true, count: events.count)
        var freeRules = [Bool](repeating: true, count: expected.count)
        for (event, rule) in pairs {
            matched[events[event].index] = expected[rule]
            freeEvents[event] = false
            freeRules[rule] = false
        }
        for event in events.indices where freeEvents[event] {
            guard let rule = candidates[event].first(where: { freeRules[$0] }) else { continue }
            freeEvents[event] = false
            freeRules[rule] = false
            matched[events[event].index] = expected[rule]
            differences.append(.moved(events[event], expected[rule]))
        }
        let gapOfEvent = Self.gaps(events.count, isOrdered ? pairs.map(\.0) : [])
        let gapOfRule = Self.gaps(expected.count, isOrdered ? pairs.map(\.1) : [])
        for (event, rule) in Self.ownContents(freeEvents, gapOfEvent, freeRules, gapOfRule, expected) {
            matched[events[event].index] = expected[rule]
            freeEvents[event] = false
            freeRules[rule] = false
        }
        var unexpected = Dictionary(grouping: events.indices.filter { freeEvents[$0] }) { gapOfEvent[$0] }
        for rule in expected.indices where freeRules[rule] && !expected[rule].isOptional {
            let gap = gapOfRule[rule]
            guard let place = Self.likest(unexpected[gap] ?? [], events, expected[rule]),
                let event = unexpected[gap]?.remove(at: place)
            else {
                differences.append(.missing(expected[rule]))
                continue
            }
            differences.append(.changed(events[event], expected[rule]))
        }
        differences += unexpected.values.joined().sorted().map { .unexpected(events[$0]) }
    }

    /// For each event the references that its digests match, ascending.
    private static func candidates(
        _ events: [MeasuredEvent], _ expected: [CompiledReferences.ExpectedEvent], _ banks: [PCRBank]
    ) -> [[Int]] {
        guard let bank = banks.first else { return events.map { _ in [] } }
        var rules: [Digest: [Int]] = [:]
        for (index, rule) in expected.enumerated() {
            for digest in Set(rule.alternatives.compactMap { $0[bank] }) { rules[digest, default: []].append(index) }
        }
        return events.map { event in
            guard let digest = event.digests[bank], let indices = rules[digest] else { return [] }
            return indices.filter { expected[$0].matches(event.digests, banks: banks) }
        }
    }

    /// Of two places that an event may have, it takes the one that must not be empty, where the order allows it.
    private static func demanding(
        _ pairs: [(Int, Int)], _ candidates: [[Int]], _ expected: [CompiledReferences.ExpectedEvent]
    ) -> [(Int, Int)] {
        var pairs = pairs
        for place in pairs.indices where expected[pairs[place].1].isOptional {
            let lower = place == 0 ? -1 : pairs[place - 1].1
            let upper = place + 1 == pairs.count ? expected.count : pairs[place + 1].1
            let better = candidates[pairs[place].0].first { lower < $0 && $0 < upper && !expected[$0].isOptional }
            if let better { pairs[place].1 = better }
        }
        return pairs
    }

    /// Events that nothing else explains, in the places where any content may stand: of one stretch, in order.
    private static func ownContents(
        _ freeEvents: [Bool], _ gapOfEvent: [Int], _ freeRules: [Bool], _ gapOfRule: [Int],
        _ expected: [CompiledReferences.ExpectedEvent]
    ) -> [(Int, Int)] {
        let rules = expected.indices.filter { freeRules[$0] && expected[$0].anyContent != nil }
        guard !rules.isEmpty else { return [] }
        let events = Dictionary(grouping: freeEvents.indices.filter { freeEvents[$0] }) { gapOfEvent[$0] }
        return Dictionary(grouping: rules) { gapOfRule[$0] }.flatMap { gap, rules in
            // What must be there first, so that an absent optional place takes nothing away.
            zip(events[gap] ?? [], rules.filter { !expected[$0].isOptional } + rules.filter { expected[$0].isOptional })
        }
    }

    private static func unordered(
        _ candidates: [[Int]], _ expected: [CompiledReferences.ExpectedEvent]
    ) -> [(Int, Int)] {
        var free = [Bool](repeating: true, count: expected.count)
        var pairs: [(Int, Int)] = []
        for (event, rules) in candidates.enumerated() {
            let rule = rules.first { free[$0] && !expected[$0].isOptional } ?? rules.first { free[$0] }
            guard let rule else { continue }
            free[rule] = false
            pairs.append((event, rule))
        }
        return pairs
    }

    /// The number of the stretch between matched pairs in which each place lies: only differences of one stretch are
    /// shown side by side.
    private static func gaps(_ count: Int, _ matched: [Int]) -> [Int] {
        var gaps = [Int](repeating: 0, count: count)
        for place in matched { gaps[place] = 1 }
        var gap = 0
        for place in 0..<count {
            gap += gaps[place]
            gaps[place] = gap
        }
        return gaps
    }

    /// The place of the event that looks most like the expected one: the longest common beginning of the names, then the
    /// same type.
    private static func likest(
        _ candidates: [Int], _ events: [MeasuredEvent], _ expected: CompiledReferences.ExpectedEvent
    ) -> Int? {
        func likeness(_ event: MeasuredEvent) -> Int {
            let common = zip(event.untrustedName.unicodeScalars, expected.name.unicodeScalars).prefix { $0 == $1 }.count
            return common * 2 + (event.untrustedType == expected.type ? 1 : 0)
        }
        var best: (place: Int, likeness: Int)?
        for (place, candidate) in candidates.prefix(maximumLikened).enumerated() {
            let value = likeness(events[candidate])
            if value > best?.likeness ?? -1 { best = (place, value) }
        }
        return best?.place
    }
}
