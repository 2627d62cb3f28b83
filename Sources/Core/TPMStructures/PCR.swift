/// The number of a platform configuration register, 0–23 on a PC Client TPM (PTP, PCR attributes).
public struct PCRIndex: Hashable, Sendable, Comparable, CustomStringConvertible {
    public static let count = 24
    public let rawValue: UInt8

    /// - Returns: nil for 24 and above.
    public init?(_ value: some BinaryInteger) {
        guard let exact = UInt8(exactly: value), exact < Self.count else { return nil }
        rawValue = exact
    }

    public static let all: [PCRIndex] = (0..<count).compactMap { PCRIndex($0) }
    public var description: String { String(rawValue) }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A set of PCR indices of one bank (TPMS_PCR_SELECTION's bitmap, bit n = PCR n, first octet holds PCR 0–7).
public struct PCRSet: Hashable, Sendable {
    public private(set) var bits: UInt32

    public init() { bits = 0 }
    public init(_ indices: some Sequence<PCRIndex>) { bits = indices.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }

    /// - Returns: nil when a bit above PCR 23 is set.
    public init?(bits: UInt32) {
        guard bits >> UInt32(PCRIndex.count) == 0 else { return nil }
        self.bits = bits
    }

    public static let all = PCRSet(PCRIndex.all)
    public var isEmpty: Bool { bits == 0 }
    public func contains(_ index: PCRIndex) -> Bool { bits >> UInt32(index.rawValue) & 1 == 1 }
    public mutating func insert(_ index: PCRIndex) { bits |= 1 << UInt32(index.rawValue) }
    /// Ascending.
    public var indices: [PCRIndex] { PCRIndex.all.filter(contains) }
}

/// Values of registers by bank and index. Says nothing about where they come from: see `AttestedPCRs` for signed ones.
public struct PCRValues: Hashable, Sendable {
    public private(set) var banks: [PCRBank: [PCRIndex: Digest]] = [:]

    public init() {}

    public subscript(bank: PCRBank, index: PCRIndex) -> Digest? { banks[bank]?[index] }

    /// - Returns: false, and stores nothing, when the digest is not of the bank's algorithm.
    @discardableResult
    public mutating func set(_ digest: Digest, bank: PCRBank, index: PCRIndex) -> Bool {
        guard digest.algorithm == bank else { return false }
        banks[bank, default: [:]][index] = digest
        return true
    }
}
