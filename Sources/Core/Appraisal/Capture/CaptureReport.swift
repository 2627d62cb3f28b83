public import ReferenceValues

/// What a capture found over its machines: what is the same on all of them, what is not, and which rule it proposes for it.
/// For the people who approve the draft; the draft alone decides.
public struct CaptureReport: Hashable, Sendable, Codable {
    /// Machines (or boots) that were captured from.
    public var machines: Int
    /// Their labels; ``Value/machines`` are places in this list.
    public var sources: [String]
    public var registers: [Register]
    /// By register, in the order of the draft's rules.
    public var differences: [Difference]

    /// One register of the covered layers.
    public struct Register: Hashable, Sendable, Codable {
        public var pcr: Int
        public var rule: ReferenceSet.PCRRule.Kind
        /// Events that are the same on every machine.
        public var stableEvents: Int
        public var varyingEvents: Int
        /// How many values the whole register has over the machines: more than one means that a rule over its value is brittle.
        public var distinctValues: Int
        /// Why nobody judges the register.
        public var reason: String?
    }

    /// The rule that is proposed for something that is not the same on every machine.
    public enum Proposal: String, Hashable, Sendable, Codable, CaseIterable {
        /// Any of the contents that were seen.
        case alternatives
        /// What was seen, or nothing: some machines lack it.
        case optional
        /// One event of any content: each machine has its own.
        case anyContent = "any-content"
        /// The same events in any order.
        case anyOrder = "any-order"
    }

    public struct Difference: Hashable, Sendable, Codable {
        public var pcr: Int
        /// `boot-order`, `boot-option`, `partition-table`, `variable`, …; the logs' word.
        public var component: String
        /// For people, control characters escaped.
        public var name: String
        /// Machines that have it.
        public var machines: Int
        public var distinctValues: Int
        public var proposal: Proposal
        public var reason: String
        /// The most frequent first.
        public var values: [Value]
    }

    public struct Value: Hashable, Sendable, Codable {
        /// `sha256:hex`, of the strongest bank of the draft.
        public var digest: String
        /// What the logs say about it.
        public var text: String
        /// Places in ``CaptureReport/sources``.
        public var machines: [Int]
    }

    /// Whether all machines agree in everything that the draft judges.
    public var isUniform: Bool { differences.isEmpty }
}
