internal import AttestationMessages
internal import SecurityEvents

/// Writes what a refusal owes: one audit record, and an event where its code has a level (rule 4 of the catalogue).
struct RefusalLog: Sendable {
    let store: any TransactionalStore

    /// Records a refusal and returns it for throwing. When the record cannot be written, the request fails with that.
    func refuse(
        _ error: ServiceError, action: String, node: NodeID?, source: String, alarm: Bool = true
    ) async throws -> ServiceError {
        try await store.write { tx in
            try Self.record(error, action: action, node: node, source: source, alarm: alarm, tx)
        }
        return error
    }

    static func record(
        _ error: ServiceError, action: String, node: NodeID?, source: String, alarm: Bool = true,
        _ tx: any StoreTransaction
    ) throws {
        try tx.audit(
            AuditEntry(
                actor: node.map { "node:\($0)" } ?? "source:\(source)", action: action, subject: node?.rawValue,
                outcome: "failure", detail: ["code": error.code, "source": source, "detail": error.detail]))
        let severity = SecurityEventCatalogue.severity(error.code)
        guard alarm, severity > .info else { return }
        try tx.raise(
            EventDraft(
                eventID: error.code, severity: severity, outcome: "failure", node: node?.rawValue,
                message: "\(SecurityEventCatalogue.entry(error.code).title): \(error.detail)",
                fields: ["source": source], foldingKey: source))
    }
}
