internal import SecurityEvents
internal import VerifierService

/// Writes the verifier's own events: audit record and outbox in one transaction.
struct StoreAlarms: VerifierAlarms {
    let store: any TransactionalStore

    func raise(_ eventID: String, severity: SecurityEventSeverity, message: String, fields: [String: String])
        async throws
    {
        try await store.write { transaction in
            try transaction.audit(
                AuditEntry(
                    actor: "verifier", action: "verifier.event", subject: eventID,
                    outcome: severity == .info ? "success" : "failure", detail: fields))
            try transaction.raise(
                EventDraft(
                    eventID: eventID, severity: severity, outcome: severity == .info ? "success" : "failure", node: nil,
                    actor: "verifier", message: message, fields: fields))
        }
    }
}
