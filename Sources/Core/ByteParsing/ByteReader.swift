/// A cursor over untrusted bytes that can neither read past the end nor outlive them.
///
/// Every read compares what it needs with what is left before it narrows or allocates. A sized structure is read with
/// ``readSized(_:_:_:)``, which refuses bytes that its body leaves over, so that callers cannot forget.
public struct ByteReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var position = 0
    /// Offset of `bytes[0]` in the whole input, so that errors of nested structures name the right place.
    private let base: Int

    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>, baseOffset: Int = 0) {
        self.bytes = bytes
        base = baseOffset
    }

    /// Offset of the next byte, counted from the start of the whole input.
    public var offset: Int { base + position }
    public var remaining: Int { bytes.count - position }
    public var isAtEnd: Bool { remaining == 0 }
    /// The byte that comes next, without reading it; nil at the end.
    public var next: UInt8? { isAtEnd ? nil : bytes[position] }

    private func require(_ count: Int, _ field: String) throws(ParsingError) {
        guard count >= 0, count <= remaining else {
            throw ParsingError(
                field: field, offset: offset, problem: .truncated(needed: count, remaining: remaining))
        }
    }

    @_lifetime(self: copy self)
    public mutating func readUInt8(_ field: @autoclosure () -> String) throws(ParsingError) -> UInt8 {
        guard remaining >= 1 else {
            throw ParsingError(field: field(), offset: offset, problem: .truncated(needed: 1, remaining: remaining))
        }
        defer { position += 1 }
        return bytes[position]
    }

    /// Reads an unsigned integer, most significant byte first (the order of all TPM structures).
    @_lifetime(self: copy self)
    public mutating func readBigEndian<T: FixedWidthInteger & UnsignedInteger>(
        _ type: T.Type, _ field: @autoclosure () -> String
    ) throws(ParsingError) -> T {
        try readBigEndian(field())
    }

    /// Reads an unsigned integer of the type that the context asks for, most significant byte first (the order of all TPM structures).
    @_lifetime(self: copy self)
    public mutating func readBigEndian<T: FixedWidthInteger & UnsignedInteger>(
        _ field: @autoclosure () -> String
    ) throws(ParsingError) -> T {
        let size = T.bitWidth / 8
        guard remaining >= size else {
            throw ParsingError(
                field: field(), offset: offset, problem: .truncated(needed: size, remaining: remaining))
        }
        var value: T = 0
        for index in position..<position + size { value = value << 8 | T(truncatingIfNeeded: bytes[index]) }
        position += size
        return value
    }

    /// Reads an unsigned integer, least significant byte first (the order of event logs and UEFI structures).
    @_lifetime(self: copy self)
    public mutating func readLittleEndian<T: FixedWidthInteger & UnsignedInteger>(
        _ type: T.Type, _ field: @autoclosure () -> String
    ) throws(ParsingError) -> T {
        try readLittleEndian(field())
    }

    /// Reads an unsigned integer of the type that the context asks for, least significant byte first (the order of event logs and UEFI structures).
    @_lifetime(self: copy self)
    public mutating func readLittleEndian<T: FixedWidthInteger & UnsignedInteger>(
        _ field: @autoclosure () -> String
    ) throws(ParsingError) -> T {
        let size = T.bitWidth / 8
        guard remaining >= size else {
            throw ParsingError(
                field: field(), offset: offset, problem: .truncated(needed: size, remaining: remaining))
        }
        var value: T = 0
        for index in stride(from: position + size - 1, through: position, by: -1) {
            value = value << 8 | T(truncatingIfNeeded: bytes[index])
        }
        position += size
        return value
    }

    /// Reads exactly `count` bytes into an array of their own.
    @_lifetime(self: copy self)
    public mutating func readBytes(_ count: Int, _ field: @autoclosure () -> String) throws(ParsingError) -> [UInt8] {
        guard count >= 0, count <= remaining else {
            throw ParsingError(
                field: field(), offset: offset, problem: .truncated(needed: count, remaining: remaining))
        }
        let slice = bytes.extracting(position..<position + count)
        position += count
        return unsafe slice.withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }

    @_lifetime(self: copy self)
    public mutating func readRemaining() -> [UInt8] {
        let slice = bytes.extracting(position..<bytes.count)
        position = bytes.count
        return unsafe slice.withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }

    @_lifetime(self: copy self)
    public mutating func skip(_ count: Int, _ field: @autoclosure () -> String) throws(ParsingError) {
        try require(count, field())
        position += count
    }

    /// Cuts the next `count` bytes off as a reader of their own; offsets go on counting from the whole input.
    @_lifetime(copy self)
    @_lifetime(self: copy self)
    public mutating func readSlice(
        _ count: Int, _ field: @autoclosure () -> String
    ) throws(ParsingError) -> ByteReader {
        try require(count, field())
        let slice = ByteReader(bytes.extracting(position..<position + count), baseOffset: offset)
        position += count
        return slice
    }

    /// Reads a structure of a declared size inside its own slice and refuses bytes the body leaves over.
    @_lifetime(self: copy self)
    public mutating func readSized<Value>(
        _ count: Int, _ field: @autoclosure () -> String,
        _ body: (inout ByteReader) throws(ParsingError) -> Value
    ) throws(ParsingError) -> Value {
        var slice = try readSlice(count, field())
        let value = try body(&slice)
        try slice.expectEnd(field())
        return value
    }

    /// Refuses bytes that are left where the structure ends.
    public func expectEnd(_ field: @autoclosure () -> String) throws(ParsingError) {
        guard isAtEnd else {
            throw ParsingError(field: field(), offset: offset, problem: .trailingBytes(count: remaining))
        }
    }

    /// An error about a value that was just read, `back` bytes before the cursor.
    public func error(_ field: String, back: Int = 0, _ problem: ParsingError.Problem) -> ParsingError {
        ParsingError(field: field, offset: offset - back, problem: problem)
    }
}
