/// The order of a list's integers: the kernel's own, or little-endian under `ima_canonical_fmt`.
public enum IMAByteOrder: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case littleEndian = 0
    case bigEndian = 1

    public var description: String { self == .littleEndian ? "little-endian" : "big-endian" }

    /// The 32-bit integer at `offset`.
    ///
    /// - Precondition: four bytes are there.
    func uint32(_ bytes: Span<UInt8>, at offset: Int) -> UInt32 {
        let a = UInt32(bytes[offset])
        let b = UInt32(bytes[offset + 1])
        let c = UInt32(bytes[offset + 2])
        let d = UInt32(bytes[offset + 3])
        return self == .littleEndian ? a | b << 8 | c << 16 | d << 24 : a << 24 | b << 16 | c << 8 | d
    }

    /// Appends a 32-bit integer.
    func append(_ value: UInt32, to bytes: inout [UInt8]) {
        append(value, size: 4, to: &bytes)
    }

    /// Appends the `size` lowest bytes of an integer.
    func append(_ value: UInt32, size: Int, to bytes: inout [UInt8]) {
        for place in 0..<size {
            let shift = 8 * UInt32(self == .littleEndian ? place : size - 1 - place)
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
