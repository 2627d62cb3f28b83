internal import HostProcess
internal import Logging
internal import ServiceLifecycle
internal import VerifierAPI
internal import VerifierService

/// Feeds systemd's watchdog as long as the store answers: a read, and a turn of the queue through which every verdict is
/// written. Where one of them hangs, this loop hangs with it and the service is started anew; where one fails, no sign
/// is given.
///
/// It proves nothing about the network: a listener that the world cannot reach is for a probe from outside.
struct StoreWatchdog: Service {
    let store: any TransactionalStore
    let readiness: @Sendable () async -> Readiness
    let logger: Logger
    var watchdog = Watchdog()
    /// Milliseconds between two lines of status where nobody watches.
    private static let unwatchedInterval: Int64 = 30_000

    func run() async throws {
        let pause = Duration.milliseconds(watchdog.interval ?? Self.unwatchedInterval)
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
            if Task.isShuttingDownGracefully || Task.isCancelled { return }
            await check()
        }
    }

    func check() async {
        let state = await readiness()
        do {
            try await store.write { _ in }
        } catch {
            logger.error("the store does not take a transaction", metadata: ["error": "\(error)"])
            return ServiceManager.notify(.status("the store does not answer: \(error)"))
        }
        switch state {
        case .ready: ServiceManager.notify(.status("serves; the store answers"))
        case .degraded(let reasons):
            ServiceManager.notify(.status("serves; degraded: \(reasons.joined(separator: ", "))"))
        case .unavailable: return ServiceManager.notify(.status("the store cannot be read"))
        }
        watchdog.feed()
    }
}
