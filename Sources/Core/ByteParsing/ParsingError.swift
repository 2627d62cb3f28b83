/// Why bytes were refused: what was being read, where, and how the bytes disagree with the format.
///
/// Guarantees: `offset` counts from the first byte of the whole input, also inside nested structures. Thrown by every
/// parser of the core; none of them traps, reads past the end, or allocates from an unchecked length.
public struct ParsingError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: Hashable, Sendable {
        /// The field needs more bytes than are left.
        case truncated(needed: Int, remaining: Int)
        /// Bytes are left where the structure ends.
        case trailingBytes(count: Int)
        /// A length or count is outside what the format, or a named limit of ours, allows.
        case outOfRange(value: UInt64, limit: UInt64)
        /// A tag, algorithm or type that the format (or this product) does not know.
        case unknownValue(UInt64)
        /// A rule of the format is broken in another way.
        case malformed(String)
    }

    /// The field's name in the specification, with its parent (`TPMS_ATTEST.magic`).
    public let field: String
    /// Offset in bytes from the start of the whole input.
    public let offset: Int
    public let problem: Problem

    public init(field: String, offset: Int, problem: Problem) {
        self.field = field
        self.offset = offset
        self.problem = problem
    }

    public var description: String {
        switch problem {
        case .truncated(let needed, let remaining):
            "\(field) at offset \(offset): needs \(needed) bytes, \(remaining) are left"
        case .trailingBytes(let count):
            "\(field) at offset \(offset): \(count) bytes follow where the structure ends"
        case .outOfRange(let value, let limit):
            "\(field) at offset \(offset): value \(value) is outside the limit \(limit)"
        case .unknownValue(let value):
            "\(field) at offset \(offset): unknown value 0x\(String(value, radix: 16))"
        case .malformed(let reason):
            "\(field) at offset \(offset): \(reason)"
        }
    }
}
