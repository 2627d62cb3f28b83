internal import Glibc
internal import HostProcess
internal import ServiceLifecycle
internal import Synchronization
internal import VerifierService
internal import VerifierStore

/// Closes the store after everything that uses it has stopped: it is the first service, so it stops last.
struct StoreKeeper: Service {
    let store: SQLiteStore

    func run() async throws {
        try? await gracefulShutdown()
        ServiceManager.notify(.stopping, .status("stopping: finishes what is in progress"))
        try store.close()
    }
}

struct MonitorService: Service {
    let monitor: StaleMonitor

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            do { try await monitor.run() } catch is CancellationError {}
        }
    }
}

/// Counts listeners up; true for the one that completes them.
final class ListenerCount: Sendable {
    private let expected: Int
    private let count = Mutex(0)
    init(expected: Int) { self.expected = expected }

    func add() -> Bool {
        count.withLock { count in
            count += 1
            return count == expected
        }
    }
}

/// How syslog names the sender.
enum HostName {
    static var current: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&bytes, bytes.count - 1) == 0 else { return "-" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    static var processID: String { "\(getpid())" }
}
