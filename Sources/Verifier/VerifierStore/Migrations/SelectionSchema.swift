internal import GRDB

/// Selections are kept as the TPM takes them (TPML_PCR_SELECTION). Challenges are void after a restart anyway; evidence that
/// waits for its logs goes with them, and its node attests again.
enum SelectionSchema {
    static let identifier = "2026-11 selections as the TPM takes them"

    static func migrate(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM pending_evidence")
        try db.execute(sql: "DELETE FROM challenges")
    }
}
