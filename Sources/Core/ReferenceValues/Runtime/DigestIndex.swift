internal import TPMStructures

/// Digests of all kinds in one block of bytes each, found by hashing. For each digest: 32 bytes (SHA-256), 1 byte of marks
/// behind them and 8 to 16 bytes of slots, instead of an array on the heap; copies share the memory.
struct DigestIndex: Sendable {
    struct Marks: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        /// Allowed at any path.
        static let anyPath = Marks(rawValue: 1)
        static let policy = Marks(rawValue: 2)
        static let kexec = Marks(rawValue: 4)
        /// Refused whatever else holds.
        static let denied = Marks(rawValue: 8)
    }

    /// Number of a digest: its kind in the upper 8 bits, its place in the kind's table in the lower 24.
    typealias Number = UInt32

    private var tables: [Table] = (0..<FileDigest.kindCount).map {
        Table(size: FileDigest.algorithm(ofKind: $0).digestSize)
    }

    /// - Returns: nil when the kind's table is full: 2^24 - 2 digests, which no document within its limits has.
    mutating func insert(_ digest: FileDigest, _ marks: Marks = []) -> Number? {
        let kind = digest.kind
        guard let place = tables[kind].insert(digest.digest.bytes.span, marks.rawValue) else { return nil }
        return Number(kind) << 24 | Number(place)
    }

    func find(_ digest: FileDigest) -> (number: Number, marks: Marks)? {
        find(digest.digest.bytes.span, kind: digest.kind)
    }

    /// - Parameter digest: as many bytes as digests of the kind have; of any other length nothing is found.
    func find(_ digest: Span<UInt8>, kind: Int) -> (number: Number, marks: Marks)? {
        guard let place = tables[kind].find(digest) else { return nil }
        return (Number(kind) << 24 | Number(place), Marks(rawValue: tables[kind].marks(place)))
    }

    subscript(number: Number) -> FileDigest? {
        let kind = Int(number >> 24)
        guard tables.indices.contains(kind) else { return nil }
        return Digest(algorithm: FileDigest.algorithm(ofKind: kind), bytes: tables[kind][Int(number & 0xFF_FFFF)])
            .map { FileDigest($0, isVerity: kind % 2 == 1) }
    }

    var count: Int { tables.reduce(0) { $0 + $1.count } }

    private struct Table: Sendable {
        let size: Int
        private(set) var count = 0
        /// For each digest its bytes and its marks, so that both come into the processor's cache together.
        private var records: [UInt8] = []
        /// Place plus one in the lower 24 bits, 0 is free; above them eight bits of the digest's hash, so that another digest
        /// in the way is hardly ever read. A power of two, at most half full.
        private var slots: [UInt32] = []

        init(size: Int) { self.size = size }

        subscript(place: Int) -> [UInt8] { Array(records[place * (size + 1)..<place * (size + 1) + size]) }
        func marks(_ place: Int) -> UInt8 { records[place * (size + 1) + size] }

        func find(_ digest: Span<UInt8>) -> Int? {
            guard !slots.isEmpty, digest.count == size else { return nil }
            let hash = TableHash.hash(digest)
            let mask = slots.count - 1
            var slot = TableHash.place(hash, mask)
            while slots[slot] != 0 {
                if slots[slot] >> 24 == UInt32(hash >> 56) {
                    let place = Int(slots[slot] & 0xFF_FFFF) - 1
                    if TableHash.isEqual(records, place * (size + 1), digest) { return place }
                }
                slot = (slot + 1) & mask
            }
            return nil
        }

        mutating func insert(_ digest: Span<UInt8>, _ mark: UInt8) -> Int? {
            if let place = find(digest) {
                records[place * (size + 1) + size] |= mark
                return place
            }
            guard count < 0xFF_FFFE else { return nil }
            if slots.count < 2 * (count + 1) { grow() }
            for index in 0..<digest.count { records.append(digest[index]) }
            records.append(mark)
            occupy(digest, count)
            count += 1
            return count - 1
        }

        private mutating func occupy(_ digest: Span<UInt8>, _ place: Int) {
            let hash = TableHash.hash(digest)
            let mask = slots.count - 1
            var slot = TableHash.place(hash, mask)
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = UInt32(hash >> 56) << 24 | UInt32(place + 1)
        }

        private mutating func grow() {
            slots = [UInt32](repeating: 0, count: max(16, slots.count * 2))
            for place in 0..<count { occupy(self[place].span, place) }
        }
    }
}
