package import Logging
internal import SecurityEvents
internal import ServiceLifecycle

/// Carries the outbox to one destination: in order, at least once, in a task of its own. Events stay in the store until
/// they have arrived, so nothing here is lost by a crash, and a slow destination slows nothing else.
package struct SIEMForwarder: Service {
    private let destination: SIEMDestination
    private let outbox: any EventOutbox
    private let sink: any EventSink
    private let options: SIEMForwardingOptions
    private let logger: Logger
    /// Whether the backlog is over its cap; for the readiness probe.
    package let health = SIEMHealth()

    package init(
        _ destination: SIEMDestination, outbox: any EventOutbox, sink: any EventSink,
        options: SIEMForwardingOptions = SIEMForwardingOptions(), logger: Logger
    ) {
        self.destination = destination
        self.outbox = outbox
        self.sink = sink
        self.options = options
        self.logger = logger
    }

    /// Runs until the task is cancelled or the service group shuts down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var backOff = BackOff(first: options.backOffFirst, most: options.backOffMost)
            var registered = false
            while !Task.isCancelled {
                do {
                    if !registered { try await outbox.register(destination) }
                    registered = true
                    let sent = try await step()
                    backOff.reset()
                    if !sent { try await Task.sleep(for: options.pollInterval) }
                } catch {
                    guard !Task.isCancelled else { return }
                    await note(error)
                    try? await Task.sleep(for: backOff.next())
                }
            }
        }
    }

    /// One delivery.
    /// - Returns: false when there was nothing to send.
    private func step() async throws -> Bool {
        let events = try await outbox.next(for: destination.name, limit: options.batchLimit)
        // Before the attempt, which may take as long as the destination is slow.
        if !events.isEmpty || health.isBehind { try await checkBacklog() }
        guard let last = events.last else { return false }
        try await sink.deliver(events)
        try await outbox.delivered(destination.name, through: last.sequence)
        return true
    }

    private func note(_ error: any Error) async {
        let text = SecurityEventText.printable(String("\(error)".prefix(500)))
        logger.warning("SIEM delivery failed", metadata: ["destination": "\(destination.name)", "error": "\(text)"])
        do {
            try await outbox.failed(destination.name, error: text)
            try await checkBacklog()
        } catch {
            logger.error(
                "SIEM status not written", metadata: ["destination": "\(destination.name)", "error": "\(error)"])
        }
    }

    /// Raises SIEM_BACKLOG once when the backlog passes its cap, and ends it at half of that.
    private func checkBacklog() async throws {
        let backlog = try await outbox.backlog(of: destination.name)
        guard let change = health.update(backlog: backlog, cap: options.backlogAlarmAt) else { return }
        try await outbox.announce(change, of: destination.name, backlog: backlog)
    }
}

extension SIEMDestination {
    /// The sink for a destination.
    ///
    /// - Parameters:
    ///   - hostname: the verifier's, as it appears in syslog headers.
    ///   - processID: as it appears in syslog headers.
    package func sink(hostname: String, processID: String, productVersion: String) -> any EventSink {
        switch kind {
        case .syslogTLS(let syslog):
            SyslogTLSSink(syslog, hostname: hostname, processID: processID, productVersion: productVersion)
        case .jsonLines(let path): JSONLinesSink(path: path)
        }
    }
}
