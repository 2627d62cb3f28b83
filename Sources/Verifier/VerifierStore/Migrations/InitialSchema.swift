internal import GRDB

/// The first schema. Append-only: a released migration is never edited, a change is a new one.
///
/// Times are milliseconds since 1970 by the store's clock. Every rule that can be a constraint is one: the store does not
/// rely on its callers.
enum InitialSchema {
    static let identifier = "2026-11 initial schema"

    static func migrate(_ db: Database) throws {
        for sql in [meta, nodes, evidence, policy, oversight] { try db.execute(sql: sql) }
    }

    private static let meta = """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        """

    private static let nodes = """
        CREATE TABLE nodes (
            node_id TEXT PRIMARY KEY
                CHECK (length(node_id) BETWEEN 1 AND 63 AND node_id NOT GLOB '*[^a-z0-9-]*' AND node_id NOT GLOB '-*'),
            lifecycle TEXT NOT NULL CHECK (lifecycle IN ('pending', 'enrolled', 'suspended', 'revoked')),
            standing TEXT NOT NULL CHECK (standing IN ('unproven', 'good', 'failed')),
            failed_verdict_id TEXT,
            site TEXT,
            group_name TEXT NOT NULL CHECK (group_name <> ''),
            asset_tag TEXT,
            platform TEXT NOT NULL,
            identity_id INTEGER NOT NULL REFERENCES identities (identity_id),
            enrolled_at INTEGER NOT NULL,
            pending_until INTEGER,
            pending_reason TEXT,
            source TEXT NOT NULL,
            state_since INTEGER NOT NULL,
            shown_state TEXT NOT NULL
                CHECK (shown_state IN ('pending', 'trusted', 'untrusted', 'stale', 'suspended', 'revoked')),
            attest_requested INTEGER NOT NULL CHECK (attest_requested IN (0, 1)),
            version INTEGER NOT NULL CHECK (version > 0)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX nodes_pending ON nodes (source) WHERE lifecycle = 'pending';

        CREATE TABLE identities (
            identity_id INTEGER PRIMARY KEY AUTOINCREMENT,
            node_id TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('active', 'retired')),
            ek_name BLOB NOT NULL CHECK (length(ek_name) BETWEEN 22 AND 66),
            ek_public BLOB NOT NULL,
            ek_spki_sha256 BLOB NOT NULL CHECK (length(ek_spki_sha256) = 32),
            ek_certificates BLOB NOT NULL,
            ek_trust TEXT NOT NULL CHECK (ek_trust IN ('certified', 'manifest-vouched', 'inventory-vouched')),
            tpm_manufacturer TEXT,
            tpm_model TEXT,
            tpm_firmware TEXT,
            ak_name BLOB NOT NULL CHECK (length(ak_name) BETWEEN 22 AND 66),
            ak_public BLOB NOT NULL,
            ak_qualified_name BLOB NOT NULL,
            node_key_spki BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            retired_at INTEGER,
            CHECK ((status = 'retired') = (retired_at IS NOT NULL))
        ) STRICT;
        CREATE UNIQUE INDEX identities_active_ek ON identities (ek_name) WHERE status = 'active';
        CREATE UNIQUE INDEX identities_active_ak ON identities (ak_name) WHERE status = 'active';
        CREATE UNIQUE INDEX identities_active_node ON identities (node_id) WHERE status = 'active';
        CREATE INDEX identities_ak ON identities (ak_name);
        CREATE INDEX identities_node ON identities (node_id);
        CREATE TRIGGER identities_write_once
        BEFORE UPDATE OF node_id, ek_name, ek_public, ek_spki_sha256, ak_name, ak_public, node_key_spki ON identities
        BEGIN SELECT RAISE(ABORT, 'identities are write-once'); END;

        CREATE TABLE manifest (
            node_id TEXT PRIMARY KEY,
            ek_name BLOB UNIQUE,
            ek_spki_sha256 BLOB UNIQUE CHECK (ek_spki_sha256 IS NULL OR length(ek_spki_sha256) = 32),
            ek_issuer TEXT,
            ek_serial TEXT,
            asset_tag TEXT,
            site TEXT,
            group_name TEXT,
            token_salt BLOB,
            token_hash BLOB,
            token_used_at INTEGER,
            added_by TEXT NOT NULL,
            added_at INTEGER NOT NULL,
            CHECK ((ek_name IS NULL) <> (ek_spki_sha256 IS NULL)),
            CHECK ((ek_issuer IS NULL) = (ek_serial IS NULL)),
            CHECK (ek_issuer IS NULL OR ek_spki_sha256 IS NOT NULL),
            CHECK ((token_salt IS NULL) = (token_hash IS NULL))
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE sticky_fails (
            verdict_id TEXT PRIMARY KEY,
            node_id TEXT NOT NULL,
            ek_name BLOB NOT NULL,
            at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sticky_fails_node ON sticky_fails (node_id);
        CREATE INDEX sticky_fails_ek ON sticky_fails (ek_name);

        CREATE TABLE proposals (
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            document BLOB NOT NULL,
            reason TEXT NOT NULL,
            proposed_by TEXT NOT NULL,
            proposed_by_key TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (kind, subject)
        ) STRICT, WITHOUT ROWID;
        """

    private static let evidence = """
        CREATE TABLE enrollment_challenges (
            enrollment_id TEXT PRIMARY KEY,
            node_id TEXT NOT NULL,
            peer_spki BLOB NOT NULL,
            source TEXT NOT NULL,
            transcript BLOB NOT NULL CHECK (length(transcript) = 32),
            expected_proof BLOB NOT NULL CHECK (length(expected_proof) = 32),
            ek_public BLOB NOT NULL,
            ek_certificates BLOB NOT NULL,
            ak_public BLOB NOT NULL,
            node_key_public BLOB NOT NULL,
            platform TEXT NOT NULL,
            token_presented INTEGER NOT NULL CHECK (token_presented IN (0, 1)),
            tries_left INTEGER NOT NULL CHECK (tries_left BETWEEN 0 AND 3),
            expires_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX enrollment_challenges_expiry ON enrollment_challenges (expires_at);

        CREATE TABLE challenges (
            node_id TEXT PRIMARY KEY,
            challenge_id TEXT NOT NULL,
            ak_name BLOB NOT NULL,
            nonce BLOB NOT NULL CHECK (length(nonce) = 32),
            selection TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL CHECK (expires_at > issued_at),
            epoch INTEGER NOT NULL,
            consumed_by BLOB CHECK (consumed_by IS NULL OR length(consumed_by) = 32)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE attestation_states (
            ak_name BLOB PRIMARY KEY,
            node_id TEXT NOT NULL,
            clock INTEGER,
            reset_count INTEGER,
            restart_count INTEGER,
            clock_safe INTEGER,
            firmware_version INTEGER,
            boot_id TEXT,
            agent_run_id TEXT,
            agent_version TEXT,
            event_log_sha256 BLOB,
            pcr_digest BLOB,
            pcr_values BLOB,
            allocated_banks TEXT,
            last_verdict_id TEXT,
            last_verdict TEXT CHECK (last_verdict IN ('pass', 'fail', 'error')),
            last_verdict_at INTEGER,
            last_pass_issued_at INTEGER,
            last_pass_verdict_id TEXT,
            result_verdict_id TEXT,
            result_digest BLOB,
            boot_key_spki BLOB,
            tiers TEXT NOT NULL,
            reference_set TEXT,
            lab_mode INTEGER NOT NULL CHECK (lab_mode IN (0, 1))
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE pending_evidence (
            evidence_id TEXT PRIMARY KEY,
            node_id TEXT NOT NULL UNIQUE,
            ak_name BLOB NOT NULL,
            submission BLOB NOT NULL,
            submission_sha256 BLOB NOT NULL,
            identity_findings BLOB NOT NULL,
            event_log_sha256 BLOB,
            challenge_id TEXT NOT NULL,
            nonce BLOB NOT NULL,
            selection TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            complete_by INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX pending_evidence_due ON pending_evidence (complete_by);
        CREATE TABLE uploads (
            evidence_id TEXT NOT NULL REFERENCES pending_evidence (evidence_id) ON DELETE CASCADE,
            log TEXT NOT NULL,
            sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
            byte_count INTEGER NOT NULL CHECK (byte_count >= 0),
            received_count INTEGER NOT NULL CHECK (received_count BETWEEN 0 AND byte_count),
            PRIMARY KEY (evidence_id, log)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE upload_chunks (
            evidence_id TEXT NOT NULL,
            log TEXT NOT NULL,
            start INTEGER NOT NULL,
            bytes BLOB NOT NULL,
            UNIQUE (evidence_id, log, start),
            FOREIGN KEY (evidence_id, log) REFERENCES uploads (evidence_id, log) ON DELETE CASCADE
        ) STRICT;

        CREATE TABLE blobs (
            sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
            bytes BLOB NOT NULL,
            stored_at INTEGER NOT NULL
        ) STRICT;

        -- `sequence` is the order of the decisions: ids of one millisecond have none.
        CREATE TABLE verdicts (
            sequence INTEGER PRIMARY KEY,
            verdict_id TEXT NOT NULL UNIQUE,
            node_id TEXT NOT NULL,
            ak_name BLOB NOT NULL,
            verdict TEXT NOT NULL CHECK (verdict IN ('pass', 'fail', 'error')),
            at INTEGER NOT NULL,
            issued_at INTEGER NOT NULL,
            first_broken_layer TEXT,
            reasons TEXT NOT NULL,
            reference_set TEXT,
            submission_sha256 BLOB NOT NULL,
            reset_count INTEGER NOT NULL,
            restart_count INTEGER NOT NULL,
            same_as TEXT,
            event_log_sha256 BLOB
        ) STRICT;
        CREATE INDEX verdicts_node ON verdicts (node_id, sequence);
        CREATE TABLE verdict_details (
            verdict_id TEXT PRIMARY KEY REFERENCES verdicts (verdict_id) ON DELETE CASCADE,
            result BLOB NOT NULL,
            evidence BLOB
        ) STRICT;

        CREATE TABLE fingerprint_reports (
            node_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
            collected_at INTEGER NOT NULL,
            PRIMARY KEY (node_id, kind, received_at)
        ) STRICT, WITHOUT ROWID;
        """

    private static let policy = """
        CREATE TABLE reference_sets (
            name TEXT NOT NULL CHECK (name <> ''),
            version INTEGER NOT NULL CHECK (version > 0),
            status TEXT NOT NULL
                CHECK (status IN ('draft', 'proposed', 'approved', 'active', 'rejected', 'retired')),
            group_name TEXT NOT NULL,
            document BLOB NOT NULL,
            document_sha256 BLOB NOT NULL CHECK (length(document_sha256) = 32),
            layers TEXT NOT NULL,
            created_by TEXT NOT NULL,
            proposed_by TEXT,
            proposed_by_key TEXT,
            approved_by TEXT,
            approved_by_key TEXT,
            lab_mode INTEGER NOT NULL CHECK (lab_mode IN (0, 1)),
            note TEXT,
            created_at INTEGER NOT NULL,
            valid_until INTEGER,
            PRIMARY KEY (name, version),
            CHECK (status NOT IN ('approved', 'active') OR (proposed_by IS NOT NULL AND approved_by IS NOT NULL)),
            CHECK (lab_mode = 1 OR approved_by_key IS NULL OR approved_by_key <> proposed_by_key)
        ) STRICT;
        CREATE UNIQUE INDEX reference_sets_active ON reference_sets (group_name) WHERE status = 'active';
        CREATE TRIGGER reference_sets_write_once
        BEFORE UPDATE OF document, document_sha256, group_name ON reference_sets
        WHEN NEW.document IS NOT OLD.document OR NEW.document_sha256 IS NOT OLD.document_sha256
            OR NEW.group_name IS NOT OLD.group_name
        BEGIN SELECT RAISE(ABORT, 'a stored reference set is write-once'); END;

        CREATE TABLE baselines (
            group_name TEXT NOT NULL,
            kind TEXT NOT NULL,
            version INTEGER NOT NULL CHECK (version > 0),
            status TEXT NOT NULL
                CHECK (status IN ('draft', 'proposed', 'approved', 'active', 'rejected', 'retired')),
            document BLOB NOT NULL,
            document_sha256 BLOB NOT NULL CHECK (length(document_sha256) = 32),
            proposed_by TEXT NOT NULL,
            proposed_by_key TEXT NOT NULL,
            approved_by TEXT,
            lab_mode INTEGER NOT NULL CHECK (lab_mode IN (0, 1)),
            created_at INTEGER NOT NULL,
            PRIMARY KEY (group_name, kind, version),
            CHECK (status <> 'active' OR approved_by IS NOT NULL)
        ) STRICT;
        CREATE UNIQUE INDEX baselines_active ON baselines (group_name, kind) WHERE status = 'active';

        CREATE TABLE group_settings (
            group_name TEXT PRIMARY KEY,
            settings TEXT NOT NULL,
            changed_by TEXT NOT NULL,
            changed_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    private static let oversight = """
        CREATE TABLE operators (
            name TEXT PRIMARY KEY CHECK (name <> ''),
            roles TEXT NOT NULL,
            key_sha256 TEXT NOT NULL CHECK (length(key_sha256) = 64),
            active INTEGER NOT NULL CHECK (active IN (0, 1)),
            added_by TEXT NOT NULL,
            added_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX operators_active_key ON operators (key_sha256) WHERE active = 1;

        CREATE TABLE alarms (
            alarm_id TEXT PRIMARY KEY,
            event_id TEXT NOT NULL,
            severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
            node_id TEXT NOT NULL,
            folding_key TEXT NOT NULL,
            message TEXT NOT NULL,
            detail TEXT NOT NULL,
            at INTEGER NOT NULL,
            last_at INTEGER NOT NULL,
            sent_at INTEGER NOT NULL,
            count INTEGER NOT NULL CHECK (count > 0),
            acknowledged_by TEXT,
            acknowledged_at INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX alarms_open ON alarms (event_id, node_id, folding_key) WHERE acknowledged_at IS NULL;
        CREATE INDEX alarms_node ON alarms (node_id, alarm_id);

        CREATE TABLE outbox (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            unique_id TEXT NOT NULL UNIQUE,
            event TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE destinations (
            name TEXT PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('syslog-tls', 'json-lines')),
            target TEXT NOT NULL,
            delivered_sequence INTEGER NOT NULL CHECK (delivered_sequence >= 0),
            last_delivered_at INTEGER,
            last_error TEXT
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE audit (
            number INTEGER PRIMARY KEY CHECK (number > 0),
            at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT,
            outcome TEXT NOT NULL,
            detail TEXT NOT NULL,
            chain BLOB NOT NULL CHECK (length(chain) = 32)
        ) STRICT;
        """
}
