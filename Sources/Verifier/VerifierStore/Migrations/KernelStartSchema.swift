internal import GRDB

/// Kernels that started without a reset of the TPM: the first boot id under a node's counters, and rows of the reboot ledger
/// in which the boot id alone changed.
///
/// SQLite changes no CHECK of a table: the ledger is written anew, with its numbers, which are pages' cursors, and with the
/// number that was given last, so that none is given twice. What was write-once stays so.
enum KernelStartSchema {
    static let identifier = "2026-11 kernels without a reset"

    static func migrate(_ db: Database) throws {
        try db.execute(sql: "ALTER TABLE attestation_states ADD COLUMN first_boot_id TEXT")
        try db.execute(sql: ledger)
    }

    private static let columns = """
        number, node_id, ak_name, at, reset_before, restart_before, reset_after, restart_after, last_evidence_at,
        boot_id_before, boot_id_after, verdict_id, explanation, explained_by, reason, findings
        """

    private static let ledger = """
        CREATE TABLE reboots_anew (
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
            CHECK (
                reset_before <> reset_after OR restart_before <> restart_after OR boot_id_before IS NOT boot_id_after
            ),
            CHECK ((explanation = 'unexplained') = (explained_by IS NULL))
        ) STRICT;
        INSERT INTO reboots_anew (\(columns)) SELECT \(columns) FROM reboots ORDER BY number;
        DELETE FROM sqlite_sequence WHERE name = 'reboots_anew';
        INSERT INTO sqlite_sequence (name, seq) SELECT 'reboots_anew', seq FROM sqlite_sequence WHERE name = 'reboots';
        DROP TABLE reboots;
        ALTER TABLE reboots_anew RENAME TO reboots;
        CREATE INDEX reboots_node ON reboots (node_id, number);
        CREATE TRIGGER reboots_write_once BEFORE UPDATE ON reboots
        WHEN OLD.explanation <> 'plan' OR NEW.explanation <> 'unexplained' OR NEW.number IS NOT OLD.number
            OR NEW.node_id IS NOT OLD.node_id OR NEW.ak_name IS NOT OLD.ak_name OR NEW.at IS NOT OLD.at
            OR NEW.reset_before IS NOT OLD.reset_before OR NEW.restart_before IS NOT OLD.restart_before
            OR NEW.reset_after IS NOT OLD.reset_after OR NEW.restart_after IS NOT OLD.restart_after
            OR NEW.last_evidence_at IS NOT OLD.last_evidence_at OR NEW.verdict_id IS NOT OLD.verdict_id
            OR NEW.boot_id_before IS NOT OLD.boot_id_before OR NEW.boot_id_after IS NOT OLD.boot_id_after
        BEGIN SELECT RAISE(ABORT, 'a row of the reboot ledger is write-once'); END;
        """
}
