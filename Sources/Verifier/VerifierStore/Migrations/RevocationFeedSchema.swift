internal import GRDB

/// Imported revocation feeds; the one with the highest number counts.
enum RevocationFeedSchema {
    static let identifier = "2026-11 revocation feeds"

    static func migrate(_ db: Database) throws { try db.execute(sql: feeds) }

    private static let feeds = """
        CREATE TABLE revocation_feeds (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            document BLOB NOT NULL,
            document_sha256 BLOB NOT NULL CHECK (length(document_sha256) = 32),
            date INTEGER NOT NULL,
            reason TEXT NOT NULL,
            imported_by TEXT NOT NULL,
            imported_at INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER revocation_feeds_write_once BEFORE UPDATE ON revocation_feeds
        BEGIN SELECT RAISE(ABORT, 'an imported feed is write-once'); END;
        """
}
