internal import AttestationMessages
internal import SecurityEvents

/// Tells of the end of active reference sets 30, 7 and 1 days before, and when it came (RV-08). Each once for each version:
/// what was told is stored.
enum ReferenceEndWatch {
    static let dayMilliseconds: Int64 = 86_400_000
    private static let thresholds: [Int64] = [30, 7, 1]

    static func check(_ store: any TransactionalStore) async throws {
        let ending = try await store.read { snapshot in
            try snapshot.activeReferences(endingBy: snapshot.now + 30 * dayMilliseconds).filter { record in
                try threshold(record, snapshot) != nil
            }
        }
        for record in ending {
            try await store.write { tx in
                guard let now = try tx.reference(record.name, version: record.version), now.status == .active,
                    let days = try threshold(now, tx), let end = now.validUntilMilliseconds
                else { return }
                try tx.set(key(now), to: String(days))
                let set = "\(now.name)@\(now.version)"
                let event = days == 0 ? "REF_EXPIRED" : "REF_EXPIRES"
                let message =
                    days == 0
                    ? "reference set \(set) of group \(now.group) is past its end: its nodes are not appraised"
                    : "reference set \(set) of group \(now.group) ends within \(days) day\(days == 1 ? "" : "s")"
                try tx.raise(
                    EventDraft(
                        eventID: event, severity: SecurityEventCatalogue.severity(event), outcome: "unknown", node: nil,
                        message: message,
                        fields: [
                            "referenceSet": set, "group": now.group, "days": String(days),
                            "endMilliseconds": String(end),
                        ], foldingKey: "\(set) \(days)"))
                try tx.audit(
                    AuditEntry(
                        actor: "verifier", action: "reference.end-near", subject: set, outcome: "success",
                        detail: ["days": String(days)]))
            }
        }
    }

    private static func key(_ record: ReferenceRecord) -> String { "reference-end.\(record.name)@\(record.version)" }

    /// The threshold that holds now, 0 for the end itself; nil where it, or a nearer one, was told.
    private static func threshold(_ record: ReferenceRecord, _ snapshot: any StoreSnapshot) throws -> Int64? {
        guard let end = record.validUntilMilliseconds else { return nil }
        let left = end - snapshot.now
        let reached = left <= 0 ? 0 : thresholds.last { left <= $0 * dayMilliseconds }
        guard let reached else { return nil }
        let told = try snapshot.setting(key(record)).flatMap { Int64($0) } ?? Int64.max
        return reached < told ? reached : nil
    }
}
