internal import GRDB

/// Selections are kept as the TPM takes them (TPML_PCR_SELECTION). Challenges are void after a restart anyway; evidence that
/// waits for its logs goes with them, and its node attests again.
enum SelectionSchema {
    static let identifier = "2026-11 selections as the TPM takes them"

    static func migrate(_ db: Database) throws {
        // Foreign keys rest while a migration runs: nothing cascades, and what is left behind makes the upgrade fail.
        for table in ["upload_chunks", "uploads", "pending_evidence", "challenges"] {
            try db.execute(sql: "DELETE FROM \(table)")
        }
    }
}
