public import TPMStructures

/// A register as a replay sees it. `extend` works in one buffer and allocates nothing.
public struct PCRState: Sendable {
    public let algorithm: HashAlgorithm
    /// The value, then room for the digest that extends it.
    private var buffer: [UInt8]

    public init(_ initial: Digest) {
        algorithm = initial.algorithm
        buffer = initial.bytes + [UInt8](repeating: 0, count: initial.bytes.count)
    }

    /// `value := H(value ‖ digest)` (Part 1, "Extend of a PCR").
    ///
    /// - Returns: false, and changes nothing, when the digest is of another algorithm.
    @discardableResult
    public mutating func extend(with digest: Digest) -> Bool {
        guard digest.algorithm == algorithm else { return false }
        let size = algorithm.digestSize
        unsafe buffer.withUnsafeMutableBufferPointer { memory in
            unsafe digest.bytes.withUnsafeBufferPointer { bytes in
                guard let target = memory.baseAddress, let source = bytes.baseAddress else { return }
                unsafe (target + size).update(from: source, count: size)
                unsafe MessageDigest.digestInto(target, UnsafeBufferPointer(memory), algorithm)
            }
        }
        return true
    }

    public var value: Digest {
        Digest(algorithm: algorithm, bytes: Array(buffer.prefix(algorithm.digestSize))) ?? .zero(algorithm)
    }
}

/// `H(value ‖ digest)`.
///
/// - Returns: nil when the two are of different algorithms.
public func extend(_ value: Digest, with digest: Digest) -> Digest? {
    var state = PCRState(value)
    return state.extend(with: digest) ? state.value : nil
}

extension PCRValues {
    /// The digest over the selected values: in the order of the selection's banks, ascending registers in each
    /// (Part 1, "Selecting Multiple PCR").
    ///
    /// - Returns: nil when a selected register has no value here. Missing never passes for zero.
    public func compositeDigest(_ selection: TPMLPCRSelection, _ algorithm: HashAlgorithm) -> Digest? {
        var bytes: [UInt8] = []
        for entry in selection.selections {
            for index in entry.pcrs.indices {
                guard let value = self[entry.bank, index] else { return nil }
                bytes += value.bytes
            }
        }
        return MessageDigest.hash(bytes, algorithm)
    }
}
