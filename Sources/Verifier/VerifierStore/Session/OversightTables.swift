internal import AttestationMessages
internal import ByteParsing
internal import GRDB
internal import SecurityEvents
internal import VerifierService

extension SQLiteSession {
    // MARK: Facts of the verifier

    func setting(_ key: String) throws -> String? {
        try row("SELECT value FROM meta WHERE key = ?", [key]).map { row in
            var columns = ColumnReader(row, "meta")
            return try columns.text()
        }
    }

    func set(_ key: String, to value: String) throws {
        try execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [key, value])
    }

    func instanceID() throws -> String {
        guard let id = try setting(MetaKey.instanceID) else {
            throw ServiceError(.unavailable, "STORE_POISON", "the instance id is missing")
        }
        return id
    }

    // MARK: Operators

    private static let operatorColumns = ["name", "roles", "key_sha256", "active", "added_by", "added_at"]
    private static let selectOperator = "SELECT \(operatorColumns.joined(separator: ", ")) FROM operators"
    private static let saveOperator = Upsert("operators", key: ["name"], columns: operatorColumns).sql

    private func decodeOperator(_ row: StoredRow) throws -> OperatorRecord {
        var columns = ColumnReader(row, "operators")
        // A role that this version does not know grants nothing.
        return try OperatorRecord(
            name: columns.text(), roles: Set(columns.list().compactMap(Role.init(rawValue:))),
            keySHA256: columns.text(), active: columns.flag(), addedBy: columns.text(),
            addedAtMilliseconds: columns.integer())
    }

    func operators() throws -> [OperatorRecord] {
        try rows(Self.selectOperator + " ORDER BY name").map(decodeOperator)
    }

    func operatorRecord(_ name: String) throws -> OperatorRecord? {
        try row(Self.selectOperator + " WHERE name = ?", [name]).map(decodeOperator)
    }

    func operatorRecord(keySHA256: String) throws -> OperatorRecord? {
        try row(Self.selectOperator + " WHERE key_sha256 = ? AND active = 1", [keySHA256]).map(decodeOperator)
    }

    func save(_ record: OperatorRecord) throws {
        do {
            try execute(
                Self.saveOperator,
                [
                    record.name, CompactList.encode(record.roles.map(\.rawValue).sorted()), record.keySHA256,
                    record.active, record.addedBy, record.addedAtMilliseconds,
                ])
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            throw ServiceError(.conflict, "OPERATOR_KEY_REUSED", "another operator holds this key")
        }
    }

    // MARK: Audit log

    func audit(_ entry: AuditEntry) throws { try chain.append(entry, at: now, to: self) }
    func auditLeaf(_ bytes: [UInt8]) throws { leaves.append(bytes) }

    func auditRecords(before cursor: Int64?, limit: Int) throws -> [AuditRecordView] {
        try rows(AuditChain.select + " WHERE number < ? ORDER BY number DESC LIMIT ?", [cursor ?? Int64.max, limit])
            .map { row in
                let record = try AuditChain.decode(row)
                return try AuditRecordView(
                    number: record.number, atMilliseconds: record.at, actor: record.actor, action: record.action,
                    subject: record.subject, outcome: record.outcome,
                    detail: JSONText.decode([String: String].self, record.detail), chain: Hex.encode(record.chain))
            }
    }
}
