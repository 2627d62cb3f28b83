internal import AttestationMessages
internal import SecurityEvents

/// Ends overrides, and says so.
enum OverrideEnding {
    static let byVerifier = "verifier"
    private static let pageSize = 100

    /// Ends every override whose time is over or whose node is no longer the one it was given for.
    static func endOverdue(_ store: any TransactionalStore) async throws {
        var cursor: String?
        repeat {
            let before = cursor
            let (page, overdue) = try await store.read { snapshot in
                let page = try snapshot.overrides(open: true, node: nil, before: before, limit: pageSize)
                return (page, try page.filter { try OverrideRule.endReason($0, snapshot) != nil })
            }
            for record in overdue { try await endIfOverdue(record.overrideID, store) }
            cursor = page.count == pageSize ? page.last?.overrideID : nil
        } while cursor != nil
    }

    /// Decided again in the transaction that writes it.
    private static func endIfOverdue(_ id: String, _ store: any TransactionalStore) async throws {
        try await store.write { tx in
            guard let record = try tx.override(id), record.status != .ended,
                let reason = try OverrideRule.endReason(record, tx)
            else { return }
            try endByVerifier(record, reason, tx)
        }
    }

    /// With its audit record: no operator's call does it.
    static func endByVerifier(_ record: OverrideRecord, _ reason: String, _ tx: any StoreTransaction) throws {
        _ = try end(record, by: byVerifier, reason: reason, tx)
        try tx.audit(
            AuditEntry(
                actor: byVerifier, action: "override.end", subject: record.nodeID.rawValue, outcome: "success",
                detail: ["override": record.overrideID, "reason": reason]))
    }

    /// Without the audit record, which an operator's call writes.
    static func end(
        _ open: OverrideRecord, by name: String, reason: String, _ tx: any StoreTransaction
    ) throws -> OverrideRecord {
        var record = open
        record.status = .ended
        record.endedBy = name
        record.endedAtMilliseconds = tx.now
        try tx.save(record)
        // A proposal that nobody approved admitted nobody: its end is no alarm.
        if open.status == .active {
            try announce(record, actor: name, "ended", "\(name) (\(reason))", tx, reason: reason)
        }
        return record
    }

    /// ADM_OVERRIDE at start and at end; each is an alarm of its own.
    static func announce(
        _ record: OverrideRecord, actor: String, _ step: String, _ by: String, _ tx: any StoreTransaction,
        reason: String
    ) throws {
        let code = "ADM_OVERRIDE"
        try tx.raise(
            EventDraft(
                eventID: code, severity: SecurityEventCatalogue.severity(code), outcome: "success",
                node: record.nodeID.rawValue, site: record.site, actor: actor,
                message: "override of \(record.nodeID) \(step) by \(by)",
                fields: [
                    "step": step, "override": record.overrideID, "reason": reason,
                    "proposedBy": record.proposedBy, "approvedBy": record.approvedBy ?? "",
                    "untilMilliseconds": String(record.untilMilliseconds), "labMode": String(record.labMode),
                ], foldingKey: "\(record.overrideID) \(step)"))
    }
}
