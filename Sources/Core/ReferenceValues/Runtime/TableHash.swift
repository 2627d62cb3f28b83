/// Places in the tables of digests and paths. Keyed anew in each process: nobody can choose bytes that crowd together.
///
/// A list of 100,000 entries asks 200,000 times; a general hash costs more than all the rest of an answer.
enum TableHash {
    private static let key = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)

    /// A table takes the place of an entry from bits 32 and up, and a mark from the uppermost eight.
    static func hash(_ bytes: Span<UInt8>) -> UInt64 {
        unsafe bytes.withUnsafeBytes { buffer in
            var hash = key.0 ^ UInt64(truncatingIfNeeded: buffer.count)
            var position = 0
            while position + 8 <= buffer.count {
                hash = (hash ^ (unsafe buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self))) &* key.1
                hash ^= hash >> 32
                position += 8
            }
            return (hash ^ (unsafe rest(buffer))) &* key.1
        }
    }

    /// - Parameter mask: One less than the table's size, a power of two of at most 2^32.
    static func place(_ hash: UInt64, _ mask: Int) -> Int { Int(truncatingIfNeeded: hash >> 32) & mask }

    /// What is left behind the last whole word: of eight bytes or more the last eight, some of them once again.
    private static func rest(_ buffer: UnsafeRawBufferPointer) -> UInt64 {
        guard buffer.count < 8 else {
            return unsafe buffer.loadUnaligned(fromByteOffset: buffer.count - 8, as: UInt64.self)
        }
        var rest: UInt64 = 0
        for index in 0..<buffer.count { rest = unsafe rest << 8 | UInt64(buffer[index]) }
        return rest
    }

    /// Whether `bytes` stand in `storage` from `start` on.
    ///
    /// - Precondition: `storage` holds so many bytes there.
    static func isEqual(_ storage: [UInt8], _ start: Int, _ bytes: Span<UInt8>) -> Bool {
        precondition(start >= 0 && start + bytes.count <= storage.count, "the bytes lie inside the table")
        return unsafe storage.withUnsafeBytes { storage in
            unsafe bytes.withUnsafeBytes { bytes in
                let count = bytes.count
                var position = 0
                while position + 8 <= count {
                    let stored = unsafe storage.loadUnaligned(fromByteOffset: start + position, as: UInt64.self)
                    guard stored == (unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) else {
                        return false
                    }
                    position += 8
                }
                while position < count {
                    guard unsafe storage[start + position] == bytes[position] else { return false }
                    position += 1
                }
                return true
            }
        }
    }
}
