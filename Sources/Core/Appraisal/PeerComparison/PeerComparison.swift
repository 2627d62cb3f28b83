public import ReferenceValues
public import TPMStructures

/// What the machines of one class agree about, register by register, and which of them stand alone. Needs no reference set
/// and decides nothing: a majority may be wrong, and machines may differ for good reasons.
public struct PeerComparison: Hashable, Sendable {
    /// One register of one bank over all machines that quoted it.
    public struct Register: Hashable, Sendable {
        public enum Agreement: String, Hashable, Sendable, CaseIterable {
            /// All machines hold one value.
            case agreed
            /// A value has the quorum's majority; who holds another one is an outlier.
            case majority
            /// The machines are many enough, and no value has a majority: nobody is called an outlier.
            case noMajority = "no-majority"
            /// Too few machines quoted it to say anything.
            case tooFew = "too-few"
        }

        public let pcr: PCRIndex
        public let bank: PCRBank
        public let layer: LayerID
        /// Machines that quoted the register in this bank.
        public let machines: Int
        public let agreement: Agreement
        /// Nil without a majority.
        public let majority: Digest?
        /// Machines that hold the most frequent value, majority or not.
        public let largestCount: Int
        public let distinctValues: Int
    }

    /// One machine that holds another value than the majority, in the strongest bank in which it does.
    public struct Outlier: Hashable, Sendable {
        public let machine: String
        public let pcr: PCRIndex
        public let layer: LayerID
        public let bank: PCRBank
        public let majority: Digest
        public let majorityCount: Int
        /// Machines that quoted the register.
        public let machines: Int
        public let seen: Digest
        /// A machine that holds the majority's value, to compare events with: the one that stands alone least.
        public let witness: String
    }

    /// Machines that were compared.
    public let machines: Int
    /// By register, the strongest bank first.
    public let registers: [Register]
    /// By machine, then by register; at most one for each register of a machine.
    public let outliers: [Outlier]

    /// Whether any register was shown by enough machines.
    public var isQuorate: Bool { registers.contains { $0.agreement != .tooFew } }
}
