package import AttestationMessages
internal import ByteParsing
internal import Crypto
internal import ReferenceValues
internal import SecurityEvents

extension ReferenceService {
    package func revocations(peer: OperatorPeer) async throws -> RevocationView {
        try await ledger.perform(peer, "revocations.show", subject: nil) { tx in
            guard let record = try tx.revocations() else {
                throw ServiceError(.unknown, "API_UNKNOWN", "no revocation feed was imported")
            }
            return try Self.view(record)
        }
    }

    /// A feed can only go forward in time: an older one would let run again what a newer one refuses.
    package func importRevocations(_ request: RevocationImport, peer: OperatorPeer) async throws -> RevocationView {
        try await ledger.perform(peer, "revocations.import", subject: nil, detail: ["reason": request.reason]) { tx in
            let reason = try OperatorInput.reason(request.reason)
            let compiled: CompiledRevocations
            do throws(ReferenceSetError) { compiled = try CompiledRevocations(parsing: request.document.bytes) } catch {
                throw ServiceError(.invalid, error.code, error.description)
            }
            guard compiled.date <= tx.now + 86_400_000 else {
                throw ServiceError(.invalid, "POL_SCHEMA", "date: the feed's date is in the future")
            }
            if let active = try tx.revocations(), active.dateMilliseconds > compiled.date {
                throw ServiceError(
                    .conflict, "REF_ROLLBACK", "the feed of \(RFC3339.text(active.dateMilliseconds)) is newer")
            }
            let record = RevocationRecord(
                document: request.document.bytes, documentSHA256: Array(SHA256.hash(data: request.document.bytes)),
                dateMilliseconds: compiled.date, reason: reason, importedBy: peer.name, importedAtMilliseconds: tx.now)
            try tx.insert(record)
            try tx.announce(
                SecurityEventID.revocationsChanged, by: peer,
                "revocations of \(compiled.feed.date) imported by \(peer.name)",
                ["documentSHA256": Hex.encode(record.documentSHA256), "reason": reason])
            return try Self.view(record)
        }
    }

    private static func view(_ record: RevocationRecord) throws -> RevocationView {
        let feed: RevocationFeed
        do throws(ReferenceSetError) { feed = try RevocationFeed(parsing: record.document) } catch {
            throw ServiceError(.unavailable, "STORE_POISON", "the revocation feed: \(error)")
        }
        return RevocationView(
            dateMilliseconds: record.dateMilliseconds, documentSHA256: Hex.encode(record.documentSHA256),
            dbxCount: feed.dbx.count, sbat: feed.sbat, componentCount: feed.components.count, reason: record.reason,
            importedBy: record.importedBy, importedAtMilliseconds: record.importedAtMilliseconds)
    }
}

/// Says once a day that the feed is old.
enum RevocationAge {
    static let alarm = "REVOCATIONS_STALE"
    private static let lastAlarm = "revocations-alarm-day"

    static func check(_ store: any TransactionalStore, maximumAge: Int64) async throws {
        let overdue = try await store.read { snapshot -> String? in
            guard let feed = try snapshot.revocations(), snapshot.now - feed.dateMilliseconds > maximumAge else {
                return nil
            }
            let day = String(snapshot.now / 86_400_000)
            return try snapshot.setting(lastAlarm) == day ? nil : day
        }
        guard let overdue else { return }
        try await store.write { tx in
            guard let feed = try tx.revocations() else { return }
            try tx.set(lastAlarm, to: overdue)
            try tx.raise(
                EventDraft(
                    eventID: alarm, severity: SecurityEventCatalogue.severity(alarm), outcome: "failure", node: nil,
                    message: "the revocation feed is of \(RFC3339.text(feed.dateMilliseconds))",
                    fields: ["date": RFC3339.text(feed.dateMilliseconds)]))
        }
    }
}
