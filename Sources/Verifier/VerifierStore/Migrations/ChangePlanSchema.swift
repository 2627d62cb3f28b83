internal import GRDB

/// Change plans: what was planned never changes; a node is in one open plan, unless it missed that plan's window.
enum ChangePlanSchema {
    static let identifier = "2026-11 change plans"

    static func migrate(_ db: Database) throws { try db.execute(sql: plans + ledger) }

    private static let plans = """
        CREATE TABLE plans (
            name TEXT PRIMARY KEY CHECK (name <> ''),
            group_name TEXT NOT NULL,
            reference_name TEXT NOT NULL,
            reference_version INTEGER NOT NULL,
            starts INTEGER NOT NULL,
            ends INTEGER NOT NULL CHECK (ends > starts),
            reboots INTEGER NOT NULL CHECK (reboots > 0),
            reason TEXT NOT NULL CHECK (reason <> ''),
            ticket TEXT,
            created_by TEXT NOT NULL,
            created_by_key TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            closed_by TEXT,
            closed_at INTEGER,
            close_reason TEXT,
            activated INTEGER NOT NULL CHECK (activated IN (0, 1)),
            FOREIGN KEY (reference_name, reference_version) REFERENCES reference_sets (name, version),
            CHECK ((closed_by IS NULL) = (closed_at IS NULL)),
            CHECK (closed_at IS NOT NULL OR activated = 0)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX plans_open ON plans (group_name) WHERE closed_at IS NULL;
        CREATE TRIGGER plans_write_once BEFORE UPDATE ON plans
        WHEN OLD.closed_at IS NOT NULL OR NEW.name IS NOT OLD.name OR NEW.group_name IS NOT OLD.group_name
            OR NEW.reference_name IS NOT OLD.reference_name OR NEW.reference_version IS NOT OLD.reference_version
            OR NEW.starts IS NOT OLD.starts OR NEW.ends IS NOT OLD.ends OR NEW.reboots IS NOT OLD.reboots
            OR NEW.reason IS NOT OLD.reason OR NEW.created_by IS NOT OLD.created_by
        BEGIN SELECT RAISE(ABORT, 'a plan is write-once, and closed once'); END;
        CREATE TABLE plan_nodes (
            plan_name TEXT NOT NULL REFERENCES plans (name),
            node_id TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('waiting', 'updated', 'missed')),
            at INTEGER,
            verdict_id TEXT,
            is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
            PRIMARY KEY (plan_name, node_id),
            CHECK ((status = 'waiting') = (at IS NULL)),
            CHECK ((status = 'updated') = (verdict_id IS NOT NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX plan_nodes_open ON plan_nodes (node_id) WHERE is_open = 1 AND status <> 'missed';
        CREATE TRIGGER plan_nodes_go_forward BEFORE UPDATE OF status ON plan_nodes
        WHEN OLD.status <> 'waiting' AND NEW.status IS NOT OLD.status
        BEGIN SELECT RAISE(ABORT, 'a node of a plan is updated or missed once'); END;

        """

    /// A plan explains a boot before the logs say what was booted; the explanation can be withdrawn, nothing else changes.
    private static let ledger = """
        DROP TRIGGER reboots_write_once;
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
