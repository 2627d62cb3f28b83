/// Paths with the numbers of the digests that each may have, in blocks of bytes: 20 to 28 bytes for each path besides the
/// path itself and 8 for each of its digests; copies share the memory.
struct PathIndex: Sendable {
    /// All paths, one after the other; path n ends where `ends[n]` says.
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []
    /// Digests of path n: `numbers[firsts[n]..<firsts[n + 1]]`.
    private var firsts: [UInt32] = []
    private var numbers: [DigestIndex.Number] = []
    /// The path of each number, until they are sorted.
    private var owners: [UInt32] = []
    /// For each kind and place of a digest: 0 without a path, path plus one, or `several`.
    private var soleOwners = [[UInt32]](repeating: [], count: FileDigest.kindCount)
    private static let several = UInt32.max
    /// Path plus one; 0 is free. A power of two, at most half full.
    private var slots: [UInt32] = []

    var count: Int { ends.count }

    /// - Parameter capacity: lines that will be added.
    init(capacity: Int) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        if capacity > 0 { slots = [UInt32](repeating: 0, count: size) }
        owners.reserveCapacity(capacity)
        numbers.reserveCapacity(capacity)
    }

    /// At most as often as the capacity says; ``finish()`` must follow the last.
    mutating func add(_ path: [UInt8], _ number: DigestIndex.Number) {
        owners.append(UInt32(insert(path)))
        numbers.append(number)
    }

    /// Sorts the digests by path, counting.
    mutating func finish() {
        var places = [UInt32](repeating: 0, count: count + 1)
        for owner in owners { places[Int(owner) + 1] += 1 }
        for path in 0..<count { places[path + 1] += places[path] }
        firsts = places
        let added = numbers
        for (number, owner) in zip(added, owners) {
            numbers[Int(places[Int(owner)])] = number
            places[Int(owner)] += 1
        }
        for (number, owner) in zip(added, owners) { own(number, owner) }
        owners = []
    }

    private mutating func own(_ number: DigestIndex.Number, _ owner: UInt32) {
        let kind = Int(number >> 24)
        let place = Int(number & 0xFF_FFFF)
        if soleOwners[kind].count <= place {
            soleOwners[kind].append(contentsOf: repeatElement(0, count: place + 1 - soleOwners[kind].count))
        }
        let known = soleOwners[kind][place]
        soleOwners[kind][place] = known == 0 || known == owner + 1 ? owner + 1 : Self.several
    }

    /// Whether the path may have the digest of this number. A digest of one path needs no search for it.
    func holds(_ path: Span<UInt8>, _ number: DigestIndex.Number) -> Bool {
        let owners = soleOwners[Int(number >> 24)]
        let place = Int(number & 0xFF_FFFF)
        guard place < owners.count, owners[place] != 0 else { return false }
        guard owners[place] == Self.several else { return isEqual(Int(owners[place]) - 1, path) }
        return find(path)?.contains(number) ?? false
    }

    /// Numbers of the digests that the path may have; nil for a path that is not here.
    func find(_ path: Span<UInt8>) -> ArraySlice<DigestIndex.Number>? {
        guard !slots.isEmpty else { return nil }
        let mask = slots.count - 1
        var slot = TableHash.place(TableHash.hash(path), mask)
        while slots[slot] != 0 {
            let place = Int(slots[slot]) - 1
            if isEqual(place, path) { return numbers[Int(firsts[place])..<Int(firsts[place + 1])] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private mutating func insert(_ path: [UInt8]) -> Int {
        let mask = slots.count - 1
        var slot = TableHash.place(TableHash.hash(path.span), mask)
        while slots[slot] != 0 {
            let place = Int(slots[slot]) - 1
            if isEqual(place, path.span) { return place }
            slot = (slot + 1) & mask
        }
        bytes += path
        ends.append(UInt32(bytes.count))
        slots[slot] = UInt32(count)
        return count - 1
    }

    private func isEqual(_ place: Int, _ path: Span<UInt8>) -> Bool {
        let start = place == 0 ? 0 : Int(ends[place - 1])
        guard Int(ends[place]) - start == path.count else { return false }
        return TableHash.isEqual(bytes, start, path)
    }
}
