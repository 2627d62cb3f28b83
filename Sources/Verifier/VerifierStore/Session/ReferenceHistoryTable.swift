internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    func referenceHistory(_ name: String) throws -> [ReferenceHistoryEntry] {
        try rows(
            """
            SELECT name, version, act, at, by_name, reason, ticket, note FROM reference_history
            WHERE name = ? ORDER BY sequence
            """, [name]
        ).map { row in
            var columns = ColumnReader(row, "reference_history")
            return try ReferenceHistoryEntry(
                name: columns.text(), version: columns.count(), act: columns.text(), atMilliseconds: columns.integer(),
                by: columns.text(), reason: columns.text(), ticket: columns.optionalText(),
                note: columns.optionalText())
        }
    }

    func referenceBefore(group: String) throws -> ReferenceRecord? {
        let found = try row(
            """
            SELECT sets.name, sets.version FROM reference_sets AS sets
            LEFT JOIN reference_history AS acts ON acts.name = sets.name AND acts.version = sets.version
                AND acts.act IN ('activate', 'restored')
            WHERE sets.group_name = ?1 AND sets.status = 'retired'
                AND NOT EXISTS (SELECT 1 FROM reference_history AS back
                    WHERE back.name = sets.name AND back.version = sets.version AND back.act = 'rolled-back')
            ORDER BY coalesce(acts.sequence, 0) DESC, sets.created_at DESC, sets.version DESC LIMIT 1
            """, [group])
        guard let found else { return nil }
        var columns = ColumnReader(found, "reference_sets")
        return try reference(columns.text(), version: columns.count())
    }

    func insert(_ entry: ReferenceHistoryEntry, group: String, keySHA256: String) throws {
        try execute(
            """
            INSERT INTO reference_history
                (name, version, group_name, act, at, by_name, by_key, reason, ticket, note)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                entry.name, entry.version, group, entry.act, entry.atMilliseconds, entry.by, keySHA256, entry.reason,
                entry.ticket, entry.note,
            ])
    }
}
