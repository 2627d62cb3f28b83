internal import Synchronization

/// Whether a destination is too far behind.
package final class SIEMHealth: Sendable {
    package enum Change: Hashable, Sendable { case behind, caughtUp }

    private let behind = Mutex(false)
    package init() {}

    package var isBehind: Bool { behind.withLock { $0 } }

    /// - Returns: the change that is to be announced; behind from `cap` on, caught up at half of it.
    func update(backlog: Int, cap: Int) -> Change? {
        behind.withLock { behind in
            if !behind, backlog >= cap {
                behind = true
                return .behind
            }
            if behind, backlog <= cap / 2 {
                behind = false
                return .caughtUp
            }
            return nil
        }
    }
}

/// Waits that double up to a limit, each between half and all of its length, so that verifiers do not return in step.
struct BackOff {
    private let first: Duration
    private let most: Duration
    private var current: Duration

    init(first: Duration, most: Duration) {
        self.first = first
        self.most = most
        current = first
    }

    mutating func next() -> Duration {
        defer { current = min(current * 2, most) }
        return current * Double.random(in: 0.5...1)
    }

    mutating func reset() { current = first }
}
