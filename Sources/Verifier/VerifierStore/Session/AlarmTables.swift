internal import AttestationMessages
internal import GRDB
internal import SecurityEvents
internal import VerifierService

extension SQLiteSession {
    /// A repeat of an open alarm that its caller marked as foldable is sent again only after this long.
    private static let reminderInterval: Int64 = 3_600_000

    // MARK: Events and alarms

    func raise(_ draft: EventDraft) throws -> SecurityEvent {
        var event = SecurityEvent(
            uniqueID: newID(), sequence: 0, eventID: draft.eventID, severity: draft.severity, outcome: draft.outcome,
            atMilliseconds: now, node: draft.node, site: draft.site, actor: draft.actor, message: draft.message,
            fields: draft.fields)
        if draft.severity >= .low, try !noteAlarm(draft, event) { return event }
        try execute(
            """
            INSERT INTO outbox (unique_id, event, at, severity, bytes)
            VALUES (?1, ?2, ?3, ?4, length(CAST(?2 AS BLOB)))
            """, [event.uniqueID, JSONText.encode(event), now, event.severity.rawValue])
        event.sequence = db.lastInsertedRowID
        return event
    }

    /// - Returns: whether the event is to be sent.
    private func noteAlarm(_ draft: EventDraft, _ event: SecurityEvent) throws -> Bool {
        let key: [(any DatabaseValueConvertible)?] = [draft.eventID, draft.node ?? "", draft.foldingKey]
        let open = try row(
            """
            SELECT alarm_id, sent_at FROM alarms
            WHERE event_id = ? AND node_id = ? AND folding_key = ? AND acknowledged_at IS NULL
            """, key)
        guard let open else {
            try execute(
                """
                INSERT INTO alarms (event_id, node_id, folding_key, alarm_id, severity, message, detail, at, last_at,
                    sent_at, count)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?8, ?8, ?8, 1)
                """,
                key + [
                    event.uniqueID, draft.severity.rawValue, draft.message, JSONText.encode(draft.fields), now,
                ])
            return true
        }
        var columns = ColumnReader(open, "alarms")
        let alarmID = try columns.text()
        let sentAt = try columns.integer()
        let send = draft.foldingKey.isEmpty || now - sentAt >= Self.reminderInterval
        try execute(
            "UPDATE alarms SET count = count + 1, last_at = ?, sent_at = ? WHERE alarm_id = ?",
            [now, send ? now : sentAt, alarmID])
        return send
    }

    private static let selectAlarm = """
        SELECT alarm_id, event_id, severity, node_id, message, detail, at, last_at, count, acknowledged_by,
            acknowledged_at
        FROM alarms
        """

    private func decodeAlarm(_ row: StoredRow) throws -> AlarmRecord {
        var columns = ColumnReader(row, "alarms")
        let id = try columns.text()
        let eventID = try columns.text()
        let severity = try columns.value(SecurityEventSeverity.self)
        let node = try columns.text()
        return try AlarmRecord(
            alarmID: id, eventID: eventID, severity: severity, node: node.isEmpty ? nil : node,
            message: columns.text(), detail: columns.json(), atMilliseconds: columns.integer(),
            lastAtMilliseconds: columns.integer(), count: columns.count(), acknowledgedBy: columns.optionalText(),
            acknowledgedAtMilliseconds: columns.optionalInteger())
    }

    func alarms(open: Bool?, node: NodeID?, before cursor: String?, limit: Int) throws -> [AlarmRecord] {
        try rows(
            Self.selectAlarm + """
                 WHERE (?1 IS NULL OR (acknowledged_at IS NULL) = ?1) AND (?2 IS NULL OR node_id = ?2)
                    AND (?3 IS NULL OR alarm_id < ?3)
                ORDER BY alarm_id DESC LIMIT ?4
                """, [open, node?.rawValue, cursor, limit]
        ).map(decodeAlarm)
    }

    func alarm(_ id: String) throws -> AlarmRecord? {
        try row(Self.selectAlarm + " WHERE alarm_id = ?", [id]).map(decodeAlarm)
    }

    func openAlarmCount() throws -> Int {
        Int(try integer("SELECT count(*) FROM alarms WHERE acknowledged_at IS NULL") ?? 0)
    }

    func acknowledgeAlarm(_ id: String, by name: String) throws -> Bool {
        try execute(
            "UPDATE alarms SET acknowledged_by = ?, acknowledged_at = ? WHERE alarm_id = ? AND acknowledged_at IS NULL",
            [name, now, id]) == 1
    }

    // MARK: Outbox

    private static let destinationColumns = [
        "name", "kind", "target", "delivered_sequence", "last_delivered_at", "last_error", "removed_at",
    ]
    private static let saveDestination = Upsert("destinations", key: ["name"], columns: destinationColumns).sql

    func destinations() throws -> [DestinationRecord] {
        try rows("SELECT \(Self.destinationColumns.joined(separator: ", ")) FROM destinations ORDER BY name").map {
            row in
            var columns = ColumnReader(row, "destinations")
            return try DestinationRecord(
                name: columns.text(), kind: columns.text(), target: columns.text(),
                deliveredSequence: columns.integer(), lastDeliveredAtMilliseconds: columns.optionalInteger(),
                lastError: columns.optionalText(), removedAtMilliseconds: columns.optionalInteger())
        }
    }

    func save(_ destination: DestinationRecord) throws {
        try execute(
            Self.saveDestination,
            [
                destination.name, destination.kind, destination.target, destination.deliveredSequence,
                destination.lastDeliveredAtMilliseconds, destination.lastError, destination.removedAtMilliseconds,
            ])
    }

    func outbox(after sequence: Int64, limit: Int) throws -> [SecurityEvent] {
        try rows("SELECT sequence, event FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?", [sequence, limit])
            .map(decodeEvent)
    }

    func outbox(severity: SecurityEventSeverity, limit: Int) throws -> [SecurityEvent] {
        try rows(
            "SELECT sequence, event FROM outbox WHERE severity = ? ORDER BY sequence LIMIT ?",
            [severity.rawValue, limit]
        ).map(decodeEvent)
    }

    private func decodeEvent(_ row: StoredRow) throws -> SecurityEvent {
        var columns = ColumnReader(row, "outbox")
        let sequence = try columns.integer()
        var event = try columns.json(SecurityEvent.self)
        event.sequence = sequence
        return event
    }

    func outboxBytes() throws -> Int { Int(try integer("SELECT bytes FROM outbox_size") ?? 0) }

    func removeFromOutbox(_ sequences: [Int64]) throws -> Int {
        let before = try outboxBytes()
        for sequence in sequences { try execute("DELETE FROM outbox WHERE sequence = ?", [sequence]) }
        return before - (try outboxBytes())
    }

    func removeDestination(_ name: String) throws {
        try execute("DELETE FROM destinations WHERE name = ?", [name])
        try pruneOutbox()
    }

    /// Where nobody is named there is nobody who has all events: then they stay.
    private func pruneOutbox() throws {
        try execute("DELETE FROM outbox WHERE sequence <= (SELECT min(delivered_sequence) FROM destinations)")
    }

    func backlog(of destination: DestinationRecord) throws -> Int {
        Int(try integer("SELECT count(*) FROM outbox WHERE sequence > ?", [destination.deliveredSequence]) ?? 0)
    }

    func delivered(_ destination: String, through sequence: Int64) throws {
        try execute(
            """
            UPDATE destinations
            SET delivered_sequence = max(delivered_sequence, ?), last_delivered_at = ?, last_error = NULL
            WHERE name = ?
            """, [sequence, now, destination])
        try pruneOutbox()
    }

    func deliveryFailed(_ destination: String, error: String) throws {
        try execute("UPDATE destinations SET last_error = ? WHERE name = ?", [error, destination])
    }
}
