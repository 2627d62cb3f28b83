public import TPMStructures

/// What the kernel extends into a bank for an entry.
public enum IMAExtension: UInt8, CaseIterable, Hashable, Sendable, Comparable {
    /// The template data's digest in the bank's own algorithm: kernels from 5.8 that have the algorithm at boot.
    case native = 0
    /// The SHA-1 template digest, filled up with zeros, and ones in every byte for a violation: kernels from 5.8 that lack
    /// the bank's algorithm at boot (as a module, say).
    case paddedSHA1 = 1
    /// The SHA-1 template digest, and twenty bytes of ones for a violation, both filled up with zeros: kernels before 5.8.
    case paddedSHA1AndViolations = 2

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One way to replay one bank.
public struct IMALane: Hashable, Sendable, Comparable {
    public let bank: PCRBank
    public let mode: IMAExtension

    /// - Returns: nil for padding of the SHA-1 bank, which needs none.
    public init?(_ bank: PCRBank, _ mode: IMAExtension) {
        guard bank != .sha1 || mode == .native else { return nil }
        self.bank = bank
        self.mode = mode
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.bank, left.mode) < (right.bank, right.mode)
    }
}
