internal import ByteParsing

/// The little of DER (X.690) that a SubjectPublicKeyInfo and a detached signature need.
enum DER {
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let null: UInt8 = 0x05
    static let objectIdentifier: UInt8 = 0x06
    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31
    /// `[number]` around other elements, and in place of a primitive type's own tag.
    static func context(_ number: UInt8) -> UInt8 { 0xA0 | number }
    static func primitiveContext(_ number: UInt8) -> UInt8 { 0x80 | number }

    static func encode(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        if content.count < 128 {
            length = [UInt8(content.count)]
        } else {
            var rest = content.count
            while rest > 0 {
                length.insert(UInt8(rest & 0xFF), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + content
    }

    /// A positive integer from big-endian bytes.
    static func encodeInteger(_ bytes: [UInt8]) -> [UInt8] {
        var digits = Array(bytes.drop { $0 == 0 })
        if digits.isEmpty { digits = [0] }
        if digits[0] & 0x80 != 0 { digits.insert(0, at: 0) }
        return encode(integer, digits)
    }

    /// Cuts off the content of the element that must come next, as a reader whose offsets go on counting from the whole
    /// input. Lengths must be definite and minimal.
    @_lifetime(copy reader)
    static func open(_ tag: UInt8, _ reader: inout ByteReader, _ field: String) throws(ParsingError) -> ByteReader {
        let found = try reader.readUInt8(field)
        guard found == tag else { throw reader.error(field, back: 1, .unknownValue(UInt64(found))) }
        let first = try reader.readUInt8(field + ".length")
        var length = Int(first)
        if first >= 0x80 {
            let count = Int(first & 0x7F)
            guard (1...3).contains(count) else {
                throw reader.error(field + ".length", back: 1, .malformed("indefinite or longer than 3 bytes"))
            }
            length = 0
            for _ in 0..<count { length = length << 8 | Int(try reader.readUInt8(field + ".length")) }
            guard length >= (count == 1 ? 128 : 1 << (8 * (count - 1))) else {
                throw reader.error(field + ".length", back: count, .malformed("not in its shortest form"))
            }
        }
        return try reader.readSlice(length, field)
    }

    /// As ``open(_:_:_:)`` for an element that may be missing: nil where another one, or none, comes next.
    @_lifetime(copy reader)
    static func openOptional(
        _ tag: UInt8, _ reader: inout ByteReader, _ field: String
    ) throws(ParsingError) -> ByteReader? {
        guard reader.next == tag else { return nil }
        return try open(tag, &reader, field)
    }

    static func read(_ tag: UInt8, _ reader: inout ByteReader, _ field: String) throws(ParsingError) -> [UInt8] {
        var content = try open(tag, &reader, field)
        return content.readRemaining()
    }

    /// Reads a positive INTEGER in its shortest form; no sign byte in the result.
    static func readPositiveInteger(_ reader: inout ByteReader, _ field: String) throws(ParsingError) -> [UInt8] {
        let bytes = try read(integer, &reader, field)
        let isShortest = bytes.count < 2 || bytes[0] != 0 || bytes[1] & 0x80 != 0
        guard let first = bytes.first, first & 0x80 == 0, isShortest else {
            throw reader.error(field, back: bytes.count, .malformed("not a positive integer in its shortest form"))
        }
        return Array(bytes.drop { $0 == 0 })
    }
}
