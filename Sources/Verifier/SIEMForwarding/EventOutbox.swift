package import SecurityEvents
package import VerifierService

/// What a forwarder needs of the store.
package protocol EventOutbox: Sendable {
    /// Makes the destination known; its cursor stays where it was.
    func register(_ destination: SIEMDestination) async throws
    /// The oldest events that the destination has not got, ascending by sequence.
    func next(for destination: String, limit: Int) async throws -> [SecurityEvent]
    func delivered(_ destination: String, through sequence: Int64) async throws
    func failed(_ destination: String, error: String) async throws
    func backlog(of destination: String) async throws -> Int
    /// Writes the event and its audit record in one transaction.
    func announce(_ change: SIEMHealth.Change, of destination: String, backlog: Int) async throws
}

/// The outbox of the verifier's store.
package struct StoreOutbox: EventOutbox {
    private let store: any TransactionalStore
    package init(_ store: any TransactionalStore) { self.store = store }

    package func register(_ destination: SIEMDestination) async throws {
        try await store.write { transaction in
            var record =
                try transaction.destinations().first { $0.name == destination.name }
                ?? DestinationRecord(
                    name: destination.name, kind: destination.kindName, target: destination.target,
                    deliveredSequence: 0, lastDeliveredAtMilliseconds: nil, lastError: nil)
            record.removedAtMilliseconds = nil
            record.kind = destination.kindName
            record.target = destination.target
            try transaction.save(record)
        }
    }

    package func next(for destination: String, limit: Int) async throws -> [SecurityEvent] {
        try await store.read { snapshot in
            guard let record = try snapshot.destinations().first(where: { $0.name == destination }) else { return [] }
            return try snapshot.outbox(after: record.deliveredSequence, limit: limit)
        }
    }

    package func delivered(_ destination: String, through sequence: Int64) async throws {
        try await store.write { try $0.delivered(destination, through: sequence) }
    }

    package func failed(_ destination: String, error: String) async throws {
        try await store.write { try $0.deliveryFailed(destination, error: error) }
    }

    package func backlog(of destination: String) async throws -> Int {
        try await store.read { snapshot in
            guard let record = try snapshot.destinations().first(where: { $0.name == destination }) else { return 0 }
            return try snapshot.backlog(of: record)
        }
    }

    package func announce(_ change: SIEMHealth.Change, of destination: String, backlog: Int) async throws {
        try await announce(
            change, subject: destination,
            behind: "SIEM destination \(destination) is \(backlog) events behind",
            caughtUp: "SIEM destination \(destination) caught up",
            fields: ["destination": destination, "backlog": String(backlog)])
    }

    /// As ``announce(_:of:backlog:)``, for the outbox as a whole.
    func announceSize(_ change: SIEMHealth.Change, bytes: Int, cap: Int) async throws {
        try await announce(
            change, subject: "outbox",
            behind: "the outbox holds \(bytes) bytes of undelivered events; beyond \(cap) they are folded",
            caughtUp: "the outbox is no longer near its cap", fields: ["bytes": String(bytes), "cap": String(cap)])
    }

    private func announce(
        _ change: SIEMHealth.Change, subject: String, behind: String, caughtUp: String, fields: [String: String]
    ) async throws {
        let isBehind = change == .behind
        let eventID = isBehind ? "SIEM_BACKLOG" : "SIEM_DELIVERED"
        try await store.write { transaction in
            try transaction.raise(
                EventDraft(
                    eventID: eventID, severity: SecurityEventCatalogue.severity(eventID),
                    outcome: isBehind ? "failure" : "success", node: nil, actor: "verifier",
                    message: isBehind ? behind : caughtUp, fields: fields, foldingKey: subject))
            try transaction.audit(
                AuditEntry(
                    actor: "verifier", action: isBehind ? "siem.backlog" : "siem.delivered", subject: subject,
                    outcome: isBehind ? "failure" : "success", detail: fields))
        }
    }

    /// Marks the destinations that the configuration no longer names. Their events wait: an operator gives them up, or
    /// the destination is configured again. Once each.
    package func noteRemoved(configured names: Set<String>) async throws {
        try await store.write { transaction in
            for var record in try transaction.destinations()
            where !names.contains(record.name) && record.removedAtMilliseconds == nil {
                record.removedAtMilliseconds = transaction.now
                try transaction.save(record)
                let backlog = String(try transaction.backlog(of: record))
                let eventID = "SIEM_DESTINATION_REMOVED"
                try transaction.raise(
                    EventDraft(
                        eventID: eventID, severity: SecurityEventCatalogue.severity(eventID), outcome: "success",
                        node: nil, actor: "verifier",
                        message:
                            "SIEM destination \(record.name) is no longer configured; \(backlog) events wait for it",
                        fields: ["destination": record.name, "backlog": backlog], foldingKey: record.name))
                try transaction.audit(
                    AuditEntry(
                        actor: "verifier", action: "siem.removed", subject: record.name, outcome: "success",
                        detail: ["backlog": backlog]))
            }
        }
    }
}
