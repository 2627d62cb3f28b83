internal import GRDB

/// Who did what to which version of a reference set, why and on which ticket. Only grows.
enum ReferenceHistorySchema {
    static let identifier = "2026-11 history of reference sets"

    static func migrate(_ db: Database) throws { try db.execute(sql: history) }

    private static let history = """
        CREATE TABLE reference_history (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            group_name TEXT NOT NULL,
            act TEXT NOT NULL CHECK (act IN
                ('draft', 'propose', 'approve', 'reject', 'activate', 'expire', 'rolled-back', 'restored')),
            at INTEGER NOT NULL,
            by_name TEXT NOT NULL CHECK (by_name <> ''),
            by_key TEXT NOT NULL,
            reason TEXT NOT NULL,
            ticket TEXT,
            note TEXT,
            FOREIGN KEY (name, version) REFERENCES reference_sets (name, version),
            CHECK (act NOT IN ('rolled-back', 'restored') OR reason <> '')
        ) STRICT;
        CREATE INDEX reference_history_name ON reference_history (name, sequence);
        CREATE INDEX reference_history_group ON reference_history (group_name, act, sequence);
        CREATE TRIGGER reference_history_no_update BEFORE UPDATE ON reference_history
        BEGIN SELECT RAISE(ABORT, 'the history of reference sets only grows'); END;
        CREATE TRIGGER reference_history_no_delete BEFORE DELETE ON reference_history
        BEGIN SELECT RAISE(ABORT, 'the history of reference sets only grows'); END;
        CREATE TRIGGER reference_sets_end_only_comes_earlier
        BEFORE UPDATE OF valid_until ON reference_sets
        WHEN OLD.valid_until IS NOT NULL AND (NEW.valid_until IS NULL OR NEW.valid_until > OLD.valid_until)
        BEGIN SELECT RAISE(ABORT, 'the end of a reference set only comes earlier'); END;
        """
}
