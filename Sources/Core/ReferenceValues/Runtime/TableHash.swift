/// Places in the tables of digests and paths. Keyed anew in each process: nobody can choose bytes that crowd together.
///
/// A list of 100,000 entries asks 200,000 times; a general hash costs more than all the rest of an answer.
enum TableHash {
    private static let key = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)

    /// - Parameter mask: One less than the table's size, a power of two of at most 2^32.
    static func place(_ bytes: Span<UInt8>, _ mask: Int) -> Int {
        var hash = key.0 ^ UInt64(truncatingIfNeeded: bytes.count)
        unsafe bytes.withUnsafeBytes { buffer in
            var position = 0
            while position + 8 <= buffer.count {
                let word = unsafe buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                hash = (hash ^ word) &* key.1
                hash ^= hash >> 32
                position += 8
            }
            var rest: UInt64 = 0
            while position < buffer.count {
                let byte = unsafe buffer[position]
                rest = rest << 8 | UInt64(byte)
                position += 1
            }
            hash = (hash ^ rest) &* key.1
        }
        return Int(truncatingIfNeeded: hash >> 32) & mask
    }

    /// Whether `bytes` stand in `storage` from `start` on.
    ///
    /// - Precondition: `storage` holds so many bytes there.
    static func isEqual(_ storage: [UInt8], _ start: Int, _ bytes: Span<UInt8>) -> Bool {
        precondition(start >= 0 && start + bytes.count <= storage.count, "the bytes lie inside the table")
        return unsafe storage.withUnsafeBytes { storage in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe storage[start..<start + bytes.count].elementsEqual(bytes)
            }
        }
    }
}
