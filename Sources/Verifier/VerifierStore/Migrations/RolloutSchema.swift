internal import GRDB

/// Staged activations: one open one for each group; what was started never changes, and an ended one stays ended.
enum RolloutSchema {
    static let identifier = "2026-11 staged activations"

    static func migrate(_ db: Database) throws { try db.execute(sql: rollouts) }

    private static let rollouts = """
        CREATE TABLE rollouts (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            group_name TEXT NOT NULL,
            reference_name TEXT NOT NULL,
            reference_version INTEGER NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('open', 'completed', 'halted')),
            stage INTEGER NOT NULL CHECK (stage BETWEEN 0 AND 2),
            stage_since INTEGER NOT NULL,
            dwell INTEGER NOT NULL CHECK (dwell > 0),
            size INTEGER NOT NULL CHECK (size > 0),
            reason TEXT NOT NULL CHECK (reason <> ''),
            ticket TEXT,
            started_by TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            ended_by TEXT,
            ended_at INTEGER,
            end_reason TEXT,
            is_settled INTEGER NOT NULL CHECK (is_settled IN (0, 1)),
            FOREIGN KEY (reference_name, reference_version) REFERENCES reference_sets (name, version),
            CHECK ((status = 'open') = (ended_at IS NULL)),
            CHECK ((ended_by IS NULL) = (ended_at IS NULL))
        ) STRICT;
        CREATE UNIQUE INDEX rollouts_open ON rollouts (group_name) WHERE status = 'open';
        CREATE INDEX rollouts_unfinished ON rollouts (number) WHERE is_settled = 0;
        CREATE INDEX rollouts_reference ON rollouts (reference_name, number);
        CREATE TRIGGER rollouts_go_forward BEFORE UPDATE ON rollouts
        WHEN NEW.stage < OLD.stage OR (OLD.status <> 'open' AND NEW.status IS NOT OLD.status)
            OR NEW.group_name IS NOT OLD.group_name OR NEW.reference_name IS NOT OLD.reference_name
            OR NEW.reference_version IS NOT OLD.reference_version OR NEW.size IS NOT OLD.size
            OR NEW.reason IS NOT OLD.reason OR NEW.started_by IS NOT OLD.started_by
        BEGIN SELECT RAISE(ABORT, 'a staged activation only goes forward'); END;
        CREATE TABLE rollout_nodes (
            rollout INTEGER NOT NULL REFERENCES rollouts (number),
            node_id TEXT NOT NULL,
            position INTEGER NOT NULL CHECK (position >= 0),
            verdict TEXT CHECK (verdict IN ('pass', 'fail')),
            verdict_id TEXT,
            newly_failing INTEGER NOT NULL CHECK (newly_failing IN (0, 1)),
            PRIMARY KEY (rollout, node_id),
            CHECK ((verdict IS NULL) = (verdict_id IS NULL)),
            CHECK (newly_failing = 0 OR verdict = 'fail')
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX rollout_nodes_position ON rollout_nodes (rollout, position);
        """
}
