internal import ByteParsing
internal import Crypto
internal import GRDB
internal import SecurityEvents
internal import VerifierService

/// The hash chain of the audit log: each record's HMAC-SHA-256 covers the record before it and all of its own columns.
///
/// The key lies in a file outside the database, so that who can edit rows cannot make a chain that fits. An edited,
/// removed, inserted or reordered record is found, and its number named; so is a cut-off tail, unless the remembered
/// head was put back too (SA-03 asks for a checkpoint outside the database besides).
struct AuditChain: Sendable {
    private let key: SymmetricKey

    init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

    struct Record {
        var number: Int64
        var at: Int64
        var actor: String
        var action: String
        var subject: String?
        var outcome: String
        /// JSON with sorted keys; hashed as stored.
        var detail: String
        var chain: [UInt8]
    }

    static let select = "SELECT number, at, actor, action, subject, outcome, detail, chain FROM audit"

    static func decode(_ row: StoredRow) throws -> Record {
        var columns = ColumnReader(row, "audit")
        return try Record(
            number: columns.integer(), at: columns.integer(), actor: columns.text(), action: columns.text(),
            subject: columns.optionalText(), outcome: columns.text(), detail: columns.text(), chain: columns.bytes())
    }

    func append(_ entry: AuditEntry, at now: Int64, to session: SQLiteSession) throws {
        let last = try session.row(Self.select + " ORDER BY number DESC LIMIT 1").map(Self.decode)
        // SQLite ends a bound text at its first NUL: hashed and stored text must be one.
        var record = Record(
            number: (last?.number ?? 0) + 1, at: now, actor: SecurityEventText.printable(entry.actor),
            action: SecurityEventText.printable(entry.action),
            subject: entry.subject.map(SecurityEventText.printable),
            outcome: SecurityEventText.printable(entry.outcome), detail: try JSONText.encode(entry.detail), chain: [])
        record.chain = hash(record, after: last?.chain ?? [])
        try session.execute(
            """
            INSERT INTO audit (number, at, actor, action, subject, outcome, detail, chain)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                record.number, record.at, record.actor, record.action, record.subject, record.outcome, record.detail,
                record.chain.data,
            ])
        session.auditHead = record.chain
    }

    /// Canonical bytes: a label, then every column in order, integers as 64 bits, texts behind their length, an absent
    /// subject as the length 2^64-1.
    private func hash(_ record: Record, after previous: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 256 + record.detail.utf8.count)
        writer.write("bootgate/audit/v1".utf8)
        writer.writeBigEndian(UInt64(previous.count))
        writer.write(previous)
        writer.writeBigEndian(UInt64(bitPattern: record.number))
        writer.writeBigEndian(UInt64(bitPattern: record.at))
        for text in [record.actor, record.action, record.subject, record.outcome, record.detail] {
            writer.writeBigEndian(text.map { UInt64($0.utf8.count) } ?? UInt64.max)
            if let text { writer.write(text.utf8) }
        }
        return Array(HMAC<SHA256>.authenticationCode(for: writer.bytes, using: key))
    }

    /// Recomputes every record, oldest first. Stops at the first that does not fit.
    func verify(_ session: SQLiteSession) throws -> AuditChainState {
        var previous: [UInt8] = []
        var expected: Int64 = 1
        var firstBad: Int64?
        let cursor = try StoredRow.fetchCursor(session.db.cachedStatement(sql: Self.select + " ORDER BY number"))
        while firstBad == nil, let row = try cursor.next() {
            let record = try? Self.decode(row)
            if let record, record.number == expected, record.chain == hash(record, after: previous) {
                previous = record.chain
                expected += 1
            } else {
                firstBad = expected
            }
        }
        if firstBad == nil, try session.setting(MetaKey.auditHead) ?? "" != Hex.encode(previous) {
            firstBad = expected
        }
        let count = try session.integer("SELECT count(*) FROM audit") ?? 0
        return AuditChainState(recordCount: count, firstBadNumber: firstBad, head: previous)
    }
}
