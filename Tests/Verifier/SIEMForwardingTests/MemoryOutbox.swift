import SIEMForwarding
import SecurityEvents
import Synchronization

/// An outbox in memory: the ports' promises, without a database.
final class MemoryOutbox: EventOutbox {
    struct State {
        var events: [SecurityEvent] = []
        var cursor: Int64 = 0
        var errors: [String] = []
        var changes: [SIEMHealth.Change] = []
    }
    private let state = Mutex(State())
    var snapshot: State { state.withLock { $0 } }

    func append(_ count: Int) {
        state.withLock { state in
            for _ in 0..<count {
                let sequence = Int64(state.events.count + 1)
                state.events.append(
                    SecurityEvent(
                        uniqueID: "event-\(sequence)", sequence: sequence, eventID: "NODE_UNTRUSTED", severity: .high,
                        outcome: "failure", atMilliseconds: 1_770_091_506_789, node: "edge-1", site: "lab", actor: nil,
                        message: "boot-loader: expected … seen …", fields: ["reason": "LOG_REPLAY", "pcr": "8"]))
            }
        }
    }

    func register(_ destination: SIEMDestination) async throws {}
    func next(for destination: String, limit: Int) async throws -> [SecurityEvent] {
        state.withLock { state in Array(state.events.drop { $0.sequence <= state.cursor }.prefix(limit)) }
    }
    func delivered(_ destination: String, through sequence: Int64) async throws {
        state.withLock { $0.cursor = max($0.cursor, sequence) }
    }
    func failed(_ destination: String, error: String) async throws { state.withLock { $0.errors.append(error) } }
    func backlog(of destination: String) async throws -> Int {
        state.withLock { state in state.events.count { $0.sequence > state.cursor } }
    }
    func announce(_ change: SIEMHealth.Change, of destination: String, backlog: Int) async throws {
        state.withLock { $0.changes.append(change) }
    }
}

struct DeadlinePassed: Error {}

/// Waits for a condition; the deadline is only there so that a broken test ends.
func eventually(seconds: Int = 120, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        guard ContinuousClock.now < end else { throw DeadlinePassed() }
        try await Task.sleep(for: .milliseconds(20))
    }
}
