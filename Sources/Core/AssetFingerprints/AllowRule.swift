/// A pattern over an entry's key: `*` stands for any run of characters, `?` for one byte, anything else for itself. It
/// always matches the whole key.
///
/// Matching takes time in proportion to the key's length whatever the pattern (catalogue RV-11): all positions of the
/// pattern that can be reached are followed at once, as bits.
public struct AllowRule: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of one pattern.
    public static let maxLength = 256

    public let pattern: String
    /// Byte → which of `masks` holds for it; 0 for bytes that only `?` matches.
    private let classes: [UInt8]
    /// For each class, bit i set when pattern element i takes such a byte.
    private let masks: [[UInt64]]
    /// Bit i set when a `*` stands before element i (or, for the last bit, at the end).
    private let loops: [UInt64]
    private let elementCount: Int

    /// - Throws: ``FingerprintError/badPattern(_:reason:)`` for an empty or overlong pattern, one without a letter or digit
    ///   (it would allow everything), and one with characters of regular expressions, which would not mean what its
    ///   author thinks.
    public init(_ pattern: String) throws(FingerprintError) {
        let bytes = Array(pattern.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.maxLength else {
            throw .badPattern(pattern, reason: "has \(bytes.count) bytes, 1 to \(Self.maxLength) are allowed")
        }
        guard !bytes.contains(where: { Array("()[]{}^$|\\".utf8).contains($0) || $0 < 0x20 }) || Self.isIPv6(bytes)
        else {
            throw .badPattern(pattern, reason: "characters of regular expressions have no meaning here; use * and ?")
        }
        guard
            bytes.contains(where: {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 >= 0x80
            })
        else { throw .badPattern(pattern, reason: "it would allow everything") }

        var elements: [UInt8?] = []
        var starPositions: Set<Int> = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "*"): starPositions.insert(elements.count)
            case UInt8(ascii: "?"): elements.append(nil)
            default: elements.append(byte)
            }
        }
        let words = elements.count / 64 + 1
        var classes = [UInt8](repeating: 0, count: 256)
        var masks = [[UInt64](repeating: 0, count: words)]
        for byte in Set(elements.compactMap(\.self)) {
            // At most 256 elements, of which class 0 takes none: the number fits.
            classes[Int(byte)] = UInt8(truncatingIfNeeded: masks.count)
            masks.append([UInt64](repeating: 0, count: words))
        }
        for (index, element) in elements.enumerated() {
            let bit = UInt64(1) << UInt64(index % 64)
            if let element {
                masks[Int(classes[Int(element)])][index / 64] |= bit
            } else {
                for number in masks.indices { masks[number][index / 64] |= bit }
            }
        }
        var loops = [UInt64](repeating: 0, count: words)
        for position in starPositions { loops[position / 64] |= UInt64(1) << UInt64(position % 64) }
        self.pattern = pattern
        self.classes = classes
        self.masks = masks
        self.loops = loops
        elementCount = elements.count
    }

    public func matches(_ key: String) -> Bool {
        // Bit i: the first i elements are matched by what has been read.
        var state = [UInt64](repeating: 0, count: loops.count)
        state[0] = 1
        for byte in key.utf8 {
            let mask = masks[Int(classes[Int(byte)])]
            var carry: UInt64 = 0
            for word in state.indices {
                let taken = state[word] & mask[word]
                state[word] = taken << 1 | carry | state[word] & loops[word]
                carry = taken >> 63
            }
        }
        return state[elementCount / 64] >> UInt64(elementCount % 64) & 1 == 1
    }

    public var description: String { pattern }
    public static func == (left: Self, right: Self) -> Bool { left.pattern.utf8.elementsEqual(right.pattern.utf8) }
    public func hash(into hasher: inout Hasher) { hasher.combine(Array(pattern.utf8)) }

    /// `tcp/[::]:443` and the like: brackets are part of such keys.
    private static func isIPv6(_ bytes: [UInt8]) -> Bool {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "[")), open == 4,
            let close = bytes.firstIndex(of: UInt8(ascii: "]"))
        else { return false }
        let rest = bytes[..<open] + bytes[(close + 1)...]
        return close > open && !rest.contains { Array("()[]{}^$|\\".utf8).contains($0) || $0 < 0x20 }
            && bytes[open + 1..<close].allSatisfy { Array("0123456789abcdefABCDEF:.*?%".utf8).contains($0) }
    }
}
