internal import GRDB

/// How large the outbox is and how loud each event, so that it can be kept below a cap (SO-05); destinations that the
/// configuration no longer names.
enum OutboxSizeSchema {
    static let identifier = "2026-11 size of the outbox, removed destinations"

    static func migrate(_ db: Database) throws { try db.execute(sql: outbox) }

    /// The size is kept by triggers: it is right whoever writes, and costs no scan.
    private static let outbox = """
        ALTER TABLE destinations ADD COLUMN removed_at INTEGER;
        ALTER TABLE outbox ADD COLUMN severity TEXT NOT NULL DEFAULT 'medium'
            CHECK (severity IN ('info', 'low', 'medium', 'high', 'critical'));
        ALTER TABLE outbox ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0);
        UPDATE outbox SET bytes = length(CAST(event AS BLOB)), severity = json_extract(event, '$.severity');
        CREATE INDEX outbox_by_severity ON outbox (severity, sequence);
        CREATE TABLE outbox_size (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            bytes INTEGER NOT NULL CHECK (bytes >= 0)
        ) STRICT;
        INSERT INTO outbox_size (only_row, bytes) VALUES (1, (SELECT coalesce(sum(bytes), 0) FROM outbox));
        CREATE TRIGGER outbox_grows AFTER INSERT ON outbox BEGIN
            UPDATE outbox_size SET bytes = bytes + NEW.bytes;
        END;
        CREATE TRIGGER outbox_shrinks AFTER DELETE ON outbox BEGIN
            UPDATE outbox_size SET bytes = bytes - OLD.bytes;
        END;
        """
}
