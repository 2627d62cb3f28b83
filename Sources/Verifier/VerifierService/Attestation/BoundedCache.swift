internal import Synchronization

/// A dictionary that forgets everything when it is full: bounded in memory, simple, and right for entries that are all
/// made again within one interval.
package final class BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let capacity: Int
    private let entries = Mutex<[Key: Value]>([:])

    package init(capacity: Int) { self.capacity = capacity }

    package subscript(key: Key) -> Value? { entries.withLock { $0[key] } }

    package func insert(_ value: Value, for key: Key) {
        entries.withLock { entries in
            if entries.count >= capacity, entries[key] == nil { entries.removeAll(keepingCapacity: true) }
            entries[key] = value
        }
    }
}
