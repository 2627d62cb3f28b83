internal import GRDB

/// Operators' signatures over reference sets: one for each act on a version, never changed.
enum ReferenceSignatureSchema {
    static let identifier = "2026-11 signatures of reference sets"

    static func migrate(_ db: Database) throws { try db.execute(sql: signatures) }

    private static let signatures = """
        CREATE TABLE reference_signatures (
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            act TEXT NOT NULL CHECK (act IN ('propose', 'approve')),
            signer TEXT NOT NULL CHECK (signer <> ''),
            certificates BLOB NOT NULL,
            signature BLOB NOT NULL CHECK (length(signature) = 64),
            at INTEGER NOT NULL,
            PRIMARY KEY (name, version, act),
            FOREIGN KEY (name, version) REFERENCES reference_sets (name, version)
        ) STRICT;
        CREATE TRIGGER reference_signatures_no_update BEFORE UPDATE ON reference_signatures
        BEGIN SELECT RAISE(ABORT, 'a signature of a reference set is write-once'); END;
        CREATE TRIGGER reference_signatures_no_delete BEFORE DELETE ON reference_signatures
        BEGIN SELECT RAISE(ABORT, 'a signature of a reference set is write-once'); END;
        """
}
