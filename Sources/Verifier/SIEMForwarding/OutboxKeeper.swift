package import Logging
internal import SecurityEvents
internal import ServiceLifecycle
package import VerifierService

/// Keeps the outbox below its cap while receivers are away (SO-05): the quietest level is folded first, oldest events
/// first, each time into one event that says what is missing; critical events are never dropped. Alarms stay in the
/// store's list whatever happens here.
package struct OutboxKeeper: Service {
    /// Folded at once, so that the writer is not held up for long.
    static let mostAtOnce = 2_000
    static let fewestAtOnce = 8
    static let foldable: [SecurityEventSeverity] = [.info, .low, .medium, .high]

    private let store: any TransactionalStore
    private let cap: Int
    private let interval: Duration
    private let logger: Logger
    /// Whether the outbox is over half its cap; for the readiness probe.
    package let health = SIEMHealth()

    /// - Parameter cap: bytes of the events as they are stored.
    package init(
        store: any TransactionalStore, cap: Int, interval: Duration = .seconds(1), logger: Logger
    ) {
        self.store = store
        self.cap = cap
        self.interval = interval
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await keep()
                } catch {
                    logger.error("the outbox was not kept below its cap", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: interval)
            }
        }
    }

    /// One round: folds until three quarters of the cap are left, or nothing but critical events.
    package func keep() async throws {
        let size = try await store.read { try $0.outboxBytes() }
        let outbox = StoreOutbox(store)
        if let change = health.update(backlog: size, cap: max(1, cap / 2)) {
            try await outbox.announceSize(change, bytes: size, cap: cap)
        }
        guard size > cap else { return }
        let target = cap / 4 * 3
        var left = size
        for severity in Self.foldable {
            while left > target {
                let excess = left - target
                let freed = try await store.write { tx in try Self.fold(severity, excess: excess, tx) }
                guard freed > 0 else { break }
                left -= freed
            }
        }
    }

    /// - Returns: bytes freed, less what the summary takes.
    private static func fold(
        _ severity: SecurityEventSeverity, excess: Int, _ tx: any StoreTransaction
    ) throws -> Int {
        let before = try tx.outboxBytes()
        let candidates = try tx.outbox(severity: severity, limit: mostAtOnce).filter { $0.eventID != summaryID }
        // Fewer would free no more than their summary takes.
        guard candidates.count >= fewestAtOnce else { return 0 }
        var folded: [SecurityEvent] = []
        var freed = 0
        for event in candidates where freed < excess || folded.count < fewestAtOnce {
            freed += try tx.removeFromOutbox([event.sequence])
            folded.append(event)
        }
        guard let first = folded.first, let last = folded.last else { return 0 }
        var counts: [String: Int] = [:]
        for event in folded { counts[event.eventID, default: 0] += 1 }
        let names = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(16)
        try tx.raise(
            EventDraft(
                eventID: summaryID, severity: SecurityEventCatalogue.severity(summaryID), outcome: "failure", node: nil,
                actor: "verifier",
                message: "\(folded.count) events of level \(severity.rawValue) were folded: the outbox is over its cap",
                fields: [
                    "level": severity.rawValue, "count": String(folded.count),
                    "events": names.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
                    "firstAtMilliseconds": String(first.atMilliseconds),
                    "lastAtMilliseconds": String(last.atMilliseconds), "firstID": first.uniqueID,
                    "lastID": last.uniqueID,
                ]))
        try tx.audit(
            AuditEntry(
                actor: "verifier", action: "siem.fold", subject: severity.rawValue, outcome: "success",
                detail: ["count": String(folded.count), "firstID": first.uniqueID, "lastID": last.uniqueID]))
        return before - (try tx.outboxBytes())
    }

    private static let summaryID = "SIEM_FOLDED"
}
