internal import Logging
internal import ServiceLifecycle
internal import Synchronization
internal import VerifierService

/// Records refused handshakes (TA-02). Anyone can cause them, so one source is recorded at most once a minute for each
/// reason, and what does not fit the queue is only counted.
final class HandshakeRefusals: Service {
    static let code = "API_TLS_PEER"
    static let quietSeconds = 60
    static let rememberedSources = 1024

    private struct Refusal: Hashable {
        var reason: String
        var listener: ListenerKind
        var source: String
    }

    private let oversight: any OversightUseCases
    private let metrics: MetricsRegistry
    private let logger: Logger
    private let stream: AsyncStream<Refusal>
    private let continuation: AsyncStream<Refusal>.Continuation
    private let recorded = Mutex<[Refusal: ContinuousClock.Instant]>([:])

    init(oversight: any OversightUseCases, metrics: MetricsRegistry, logger: Logger) {
        self.oversight = oversight
        self.metrics = metrics
        self.logger = logger
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(256))
    }

    func report(reason: String, listener: ListenerKind, source: String) {
        metrics.count(MetricNames.refusals, ["code": Self.code])
        let refusal = Refusal(reason: reason, listener: listener, source: source)
        let now = ContinuousClock.now
        let isNew = recorded.withLock { recorded in
            if let last = recorded[refusal], last.duration(to: now) < .seconds(Self.quietSeconds) { return false }
            if recorded.count >= Self.rememberedSources {
                recorded = recorded.filter { $0.value.duration(to: now) < .seconds(Self.quietSeconds) }
            }
            guard recorded.count < Self.rememberedSources else { return false }
            recorded[refusal] = now
            return true
        }
        if isNew { continuation.yield(refusal) }
    }

    func run() async {
        await cancelWhenGracefulShutdown {
            for await refusal in self.stream {
                do {
                    try await self.oversight.refused(
                        code: Self.code, actor: "anyone", route: "\(refusal.listener.rawValue) TLS \(refusal.reason)",
                        source: refusal.source)
                } catch {
                    self.logger.error(
                        "refused handshake not recorded",
                        metadata: ["source": "\(refusal.source)", "error": "\(error)"])
                }
            }
        }
    }
}
