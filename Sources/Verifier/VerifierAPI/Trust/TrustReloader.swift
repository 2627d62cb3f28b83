package import Logging
internal import SecurityEvents
internal import ServiceLifecycle
package import VerifierService

/// At each signal reads certificates, keys and trust roots again. Anything unsound keeps the last good ones and raises
/// `API_TRUST_RELOAD` (AV-09).
package struct TrustReloader: Service {
    package static let code = "API_TRUST_RELOAD"

    /// One thing to reload; throws without a change.
    package struct Part: Sendable {
        package var name: String
        package var reload: @Sendable () async throws -> Void
        package init(_ name: String, reload: @escaping @Sendable () async throws -> Void) {
            self.name = name
            self.reload = reload
        }
    }

    private let parts: [Part]
    private let alarms: any VerifierAlarms
    private let metrics: MetricsRegistry
    private let logger: Logger
    private let signals: @Sendable () async -> AsyncStream<Void>

    /// - Parameter signals: one element for each reload that is asked for (SIGHUP).
    package init(
        _ parts: [Part], alarms: any VerifierAlarms, metrics: MetricsRegistry, logger: Logger,
        signals: @escaping @Sendable () async -> AsyncStream<Void>
    ) {
        self.parts = parts
        self.alarms = alarms
        self.metrics = metrics
        self.logger = logger
        self.signals = signals
    }

    package func run() async throws {
        for await _ in await signals().cancelOnGracefulShutdown() { await reload() }
    }

    package func reload() async {
        for part in parts {
            do {
                try await part.reload()
                metrics.count(MetricNames.trustReloads, ["outcome": "success", "part": part.name])
                logger.notice("reloaded", metadata: ["part": "\(part.name)"])
            } catch {
                metrics.count(MetricNames.trustReloads, ["outcome": "failure", "part": part.name])
                logger.error(
                    "reload refused, the last good one stays", metadata: ["part": "\(part.name)", "error": "\(error)"])
                await raise(part.name, error)
            }
        }
    }

    private func raise(_ part: String, _ error: any Error) async {
        do {
            try await alarms.raise(
                Self.code, severity: .high, message: "Reload of \(part) refused; the last good one stays",
                fields: ["part": part, "error": "\(error)"])
        } catch {
            logger.error("alarm not recorded", metadata: ["code": "\(Self.code)", "error": "\(error)"])
        }
    }
}
