internal import Synchronization

/// Caps on open connections, in all and for each address; connections whose handshake is pending have a smaller cap, so
/// that half-open ones cannot use up an address's share (TA-14).
package final class ConnectionLimiter: Sendable {
    package struct Caps: Hashable, Sendable {
        package var total: Int
        package var perAddress: Int
        package var pendingPerAddress: Int
        /// Many nodes may share one address behind a translator: the caps for each address are wide.
        package init(total: Int = 32_768, perAddress: Int = 8_192, pendingPerAddress: Int = 1_024) {
            self.total = total
            self.perAddress = perAddress
            self.pendingPerAddress = pendingPerAddress
        }
    }

    private struct Count {
        var open = 0
        var pending = 0
    }
    private struct State {
        var total = 0
        var addresses: [String: Count] = [:]
    }

    private let caps: Caps
    private let state = Mutex(State())

    package init(_ caps: Caps) { self.caps = caps }

    /// Takes a place for a connection whose handshake is pending. False when a cap is reached: then nothing is taken.
    func enter(_ address: String) -> Bool {
        state.withLock { state in
            let count = state.addresses[address] ?? Count()
            guard state.total < caps.total, count.open < caps.perAddress, count.pending < caps.pendingPerAddress else {
                return false
            }
            state.total += 1
            state.addresses[address] = Count(open: count.open + 1, pending: count.pending + 1)
            return true
        }
    }

    func handshakeEnded(_ address: String) {
        state.withLock { $0.addresses[address]?.pending -= 1 }
    }

    func leave(_ address: String) {
        state.withLock { state in
            state.total -= 1
            guard var count = state.addresses[address] else { return }
            count.open -= 1
            state.addresses[address] = count.open > 0 ? count : nil
        }
    }
}
