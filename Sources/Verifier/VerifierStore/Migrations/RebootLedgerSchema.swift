internal import GRDB

/// Every change of a node's reset and restart counters, and what operators announced beforehand.
enum RebootLedgerSchema {
    static let identifier = "2026-11 reboot ledger"

    static func migrate(_ db: Database) throws { try db.execute(sql: ledger) }

    private static let ledger = """
        CREATE TABLE reboots (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            node_id TEXT NOT NULL,
            ak_name BLOB NOT NULL,
            at INTEGER NOT NULL,
            reset_before INTEGER NOT NULL,
            restart_before INTEGER NOT NULL,
            reset_after INTEGER NOT NULL,
            restart_after INTEGER NOT NULL,
            last_evidence_at INTEGER,
            boot_id_before TEXT,
            boot_id_after TEXT,
            verdict_id TEXT NOT NULL,
            explanation TEXT NOT NULL CHECK (explanation IN ('plan', 'operator', 'unexplained')),
            explained_by TEXT,
            reason TEXT,
            findings TEXT NOT NULL,
            CHECK (reset_before <> reset_after OR restart_before <> restart_after),
            CHECK ((explanation = 'unexplained') = (explained_by IS NULL))
        ) STRICT;
        CREATE INDEX reboots_node ON reboots (node_id, number);
        CREATE TRIGGER reboots_write_once BEFORE UPDATE ON reboots
        BEGIN SELECT RAISE(ABORT, 'a row of the reboot ledger is write-once'); END;
        CREATE TABLE expected_reboots (
            node_id TEXT PRIMARY KEY,
            until INTEGER NOT NULL,
            reason TEXT NOT NULL,
            announced_by TEXT NOT NULL,
            announced_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
