internal import GRDB

/// Admission overrides: two persons, 24 h at most, one open one for each node; what was proposed never changes (AD-11).
enum OverrideSchema {
    static let identifier = "2026-11 admission overrides"

    static func migrate(_ db: Database) throws { try db.execute(sql: overrides) }

    private static let overrides = """
        CREATE TABLE admission_overrides (
            override_id TEXT PRIMARY KEY,
            node_id TEXT NOT NULL,
            ak_name BLOB NOT NULL CHECK (length(ak_name) BETWEEN 22 AND 66),
            site TEXT,
            status TEXT NOT NULL CHECK (status IN ('proposed', 'active', 'ended')),
            reason TEXT NOT NULL,
            until INTEGER NOT NULL,
            proposed_by TEXT NOT NULL,
            proposed_by_key TEXT NOT NULL,
            proposed_at INTEGER NOT NULL,
            approved_by TEXT,
            approved_by_key TEXT,
            approved_at INTEGER,
            lab_mode INTEGER NOT NULL CHECK (lab_mode IN (0, 1)),
            ended_by TEXT,
            ended_at INTEGER,
            CHECK ((approved_by IS NULL) = (approved_by_key IS NULL)),
            CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
            CHECK (status <> 'active' OR approved_by IS NOT NULL),
            CHECK (status <> 'proposed' OR approved_by IS NULL),
            CHECK (approved_at IS NULL OR until - approved_at BETWEEN 1 AND 86400000),
            CHECK (lab_mode = 1 OR approved_by IS NULL
                OR (approved_by <> proposed_by AND approved_by_key <> proposed_by_key)),
            CHECK ((status = 'ended') = (ended_at IS NOT NULL)),
            CHECK ((ended_by IS NULL) = (ended_at IS NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX admission_overrides_open ON admission_overrides (node_id) WHERE status <> 'ended';
        CREATE INDEX admission_overrides_node ON admission_overrides (node_id, override_id);
        CREATE TRIGGER admission_overrides_write_once
        BEFORE UPDATE ON admission_overrides
        WHEN OLD.status = 'ended' OR NEW.node_id IS NOT OLD.node_id OR NEW.ak_name IS NOT OLD.ak_name
            OR NEW.site IS NOT OLD.site OR NEW.reason IS NOT OLD.reason OR NEW.until IS NOT OLD.until
            OR NEW.proposed_by IS NOT OLD.proposed_by OR NEW.proposed_by_key IS NOT OLD.proposed_by_key
        BEGIN SELECT RAISE(ABORT, 'a proposed override is write-once'); END;
        """
}
