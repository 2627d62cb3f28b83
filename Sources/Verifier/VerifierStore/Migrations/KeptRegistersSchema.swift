internal import GRDB

/// Register values move out of the hot row: they are 3 KB of it, change with a boot and not with an attestation, and made
/// every save of the row write an overflow page.
enum KeptRegistersSchema {
    static let identifier = "2026-11 kept registers"

    static func migrate(_ db: Database) throws { try db.execute(sql: move) }

    private static let move = """
        CREATE TABLE kept_registers (
            ak_name BLOB PRIMARY KEY,
            pcr_digest BLOB NOT NULL,
            pcr_values BLOB NOT NULL
        ) STRICT;
        INSERT INTO kept_registers
            SELECT ak_name, pcr_digest, pcr_values FROM attestation_states
            WHERE pcr_digest IS NOT NULL AND pcr_values IS NOT NULL;
        ALTER TABLE attestation_states DROP COLUMN pcr_values;
        """
}
