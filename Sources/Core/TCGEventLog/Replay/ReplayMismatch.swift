public import TPMStructures

/// A register that does not hold what the log says.
public struct ReplayMismatch: Hashable, Sendable, CustomStringConvertible {
    public let bank: PCRBank
    public let pcr: PCRIndex
    /// What the log's events give.
    public let replayed: Digest
    /// What the quote signs.
    public let attested: Digest
    /// Events of the log that extend this register in this bank.
    public let eventCount: Int

    public var description: String {
        "PCR \(pcr) (\(bank)): the log's \(eventCount) events give \(replayed.hex), the TPM holds \(attested.hex)"
    }
}
