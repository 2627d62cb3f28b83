/// Appends integers and byte strings in wire order. The twin of ``ByteReader``.
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(reservingCapacity capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    public mutating func write(_ newBytes: some Sequence<UInt8>) { bytes.append(contentsOf: newBytes) }

    public mutating func writeBigEndian(_ value: some FixedWidthInteger & UnsignedInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    public mutating func writeLittleEndian(_ value: some FixedWidthInteger & UnsignedInteger) {
        var shift = 0
        while shift < value.bitWidth {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            shift += 8
        }
    }

    /// Writes a TPM2B: a 16-bit big-endian size and the bytes.
    ///
    /// - Precondition: at most 65,535 bytes; callers hold structures that the parser already bounded.
    public mutating func writeSized(_ newBytes: [UInt8]) {
        precondition(newBytes.count <= Int(UInt16.max), "a TPM2B holds at most 65,535 bytes")
        writeBigEndian(UInt16(newBytes.count))
        write(newBytes)
    }
}
