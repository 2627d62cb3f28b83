internal import AttestationMessages
internal import SecurityEvents

/// Every operator call goes through here: the call's effect, its audit record and its events are one transaction, and a
/// refusal leaves a record too (rule 4 of the catalogue, SA-04).
struct OperatorLedger: Sendable {
    let store: any TransactionalStore

    /// Runs the body and records the call as a success.
    ///
    /// - Parameter detail: What the record says besides; nothing secret.
    func perform<Value: Sendable>(
        _ peer: OperatorPeer, _ action: String, subject: String?, detail: [String: String] = [:],
        _ body: @escaping @Sendable (any StoreTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await store.write { tx in
                let value = try body(tx)
                try tx.audit(
                    AuditEntry(
                        actor: "operator:\(peer.name)", action: action, subject: subject, outcome: "success",
                        detail: detail.merging(Self.origin(peer)) { $1 }))
                return value
            }
        } catch let error as ServiceError {
            // What cannot be written cannot be recorded either.
            guard error.kind != .unavailable else { throw error }
            try await refuse(error, peer, action, subject)
            throw error
        }
    }

    /// A call that was refused before it came to a transaction.
    func refuse(_ error: ServiceError, _ peer: OperatorPeer, _ action: String, _ subject: String?) async throws {
        try await store.write { tx in
            try tx.audit(
                AuditEntry(
                    actor: "operator:\(peer.name)", action: action, subject: subject, outcome: "failure",
                    detail: ["code": error.code, "reason": error.detail].merging(Self.origin(peer)) { $1 }))
            // Only codes that have an alarm level: a mistyped name is none.
            guard let entry = SecurityEventCatalogue.entries[error.code], entry.severity > .info else { return }
            try tx.raise(
                EventDraft(
                    eventID: error.code, severity: entry.severity, outcome: "failure", node: nil, actor: peer.name,
                    message: "\(entry.title): \(action) \(subject ?? "") by \(peer.name)",
                    fields: Self.origin(peer).merging(["action": action, "reason": error.detail]) { $1 }))
        }
    }

    /// Who it was, by name and by key, and from where.
    static func origin(_ peer: OperatorPeer) -> [String: String] {
        ["source": peer.source, "keySHA256": peer.keySHA256]
    }
}

extension StoreTransaction {
    /// Raises an event about an operator's act at its default severity.
    func announce(
        _ eventID: String, by peer: OperatorPeer, node: NodeRecord? = nil, _ message: String,
        _ fields: [String: String] = [:]
    ) throws {
        try raise(
            EventDraft(
                eventID: eventID, severity: SecurityEventCatalogue.severity(eventID), outcome: "success",
                node: node?.nodeID.rawValue, site: node?.site, actor: peer.name, message: message, fields: fields))
    }
}
