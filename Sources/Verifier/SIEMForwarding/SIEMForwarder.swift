package import Logging
internal import SecurityEvents
package import ServiceLifecycle
package import VerifierService

/// Carries the outbox to one destination: in order, at least once, in a task of its own. Events stay in the store until
/// they have arrived, so nothing here is lost by a crash, and a slow destination slows nothing else.
package struct SIEMForwarder: Service {
    private let destination: SIEMDestination
    private let store: any TransactionalStore
    private let sink: any EventSink
    private let options: SIEMForwardingOptions
    private let logger: Logger
    /// Whether the backlog is over its cap; for the readiness probe.
    package let health = SIEMHealth()

    package init(
        _ destination: SIEMDestination, store: any TransactionalStore, sink: any EventSink,
        options: SIEMForwardingOptions = SIEMForwardingOptions(), logger: Logger
    ) {
        self.destination = destination
        self.store = store
        self.sink = sink
        self.options = options
        self.logger = logger
    }

    /// Runs until the task is cancelled or the service group shuts down.
    package func run() async throws {
        try await cancelWhenGracefulShutdown {
            var backOff = BackOff(first: options.backOffFirst, most: options.backOffMost)
            while !Task.isCancelled {
                do {
                    try await register()
                    break
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("SIEM destination not registered", metadata: fields(error))
                    try? await Task.sleep(for: backOff.next())
                }
            }
            while !Task.isCancelled {
                do {
                    let sent = try await step()
                    backOff.reset()
                    if !sent { try await Task.sleep(for: options.pollInterval) }
                } catch is CancellationError {
                    return
                } catch {
                    guard !Task.isCancelled else { return }
                    logger.warning("SIEM delivery failed", metadata: fields(error))
                    await note(error)
                    try? await Task.sleep(for: backOff.next())
                }
            }
        }
    }

    /// Makes the destination known to the store; its cursor stays where it was.
    private func register() async throws {
        let destination = destination
        try await store.write { transaction in
            var record =
                try transaction.destinations().first { $0.name == destination.name }
                ?? DestinationRecord(
                    name: destination.name, kind: destination.kindName, target: destination.target,
                    deliveredSequence: 0, lastDeliveredAtMilliseconds: nil, lastError: nil)
            record.kind = destination.kindName
            record.target = destination.target
            try transaction.save(record)
        }
    }

    /// One delivery.
    /// - Returns: false when there was nothing to send.
    private func step() async throws -> Bool {
        let name = destination.name
        let limit = options.batchLimit
        let events = try await store.read { snapshot -> [SecurityEvent] in
            guard let record = try snapshot.destinations().first(where: { $0.name == name }) else { return [] }
            return try snapshot.outbox(after: record.deliveredSequence, limit: limit)
        }
        guard let last = events.last else {
            if health.isBehind { try await checkBacklog() }
            return false
        }
        // Before the attempt, which may take as long as the destination is slow.
        try await checkBacklog()
        try await sink.deliver(events)
        try await store.write { try $0.delivered(name, through: last.sequence) }
        return true
    }

    private func note(_ error: any Error) async {
        let name = destination.name
        let text = SecurityEventText.printable(String("\(error)".prefix(500)))
        do {
            try await store.write { try $0.deliveryFailed(name, error: text) }
            try await checkBacklog()
        } catch {
            logger.error("SIEM status not written", metadata: fields(error))
        }
    }

    /// Raises SIEM_BACKLOG once when the backlog passes its cap, and ends it at half of that.
    private func checkBacklog() async throws {
        let name = destination.name
        let backlog = try await store.read { snapshot -> Int in
            guard let record = try snapshot.destinations().first(where: { $0.name == name }) else { return 0 }
            return try snapshot.backlog(of: record)
        }
        guard let change = health.update(backlog: backlog, cap: options.backlogAlarmAt) else { return }
        let eventID = change == .behind ? "SIEM_BACKLOG" : "SIEM_DELIVERED"
        try await store.write { transaction in
            try transaction.raise(
                EventDraft(
                    eventID: eventID, severity: SecurityEventCatalogue.severity(eventID),
                    outcome: change == .behind ? "failure" : "success", node: nil,
                    message: change == .behind
                        ? "SIEM destination \(name) is \(backlog) events behind" : "SIEM destination \(name) caught up",
                    fields: ["destination": name, "backlog": String(backlog)], foldingKey: name))
            try transaction.audit(
                AuditEntry(
                    actor: "verifier", action: change == .behind ? "siem.backlog" : "siem.delivered", subject: name,
                    outcome: change == .behind ? "failure" : "success", detail: ["backlog": String(backlog)]))
        }
    }

    private func fields(_ error: any Error) -> Logger.Metadata {
        ["destination": "\(destination.name)", "error": "\(SecurityEventText.printable("\(error)"))"]
    }
}
