internal import GRDB

/// The kernel's measurement list of each AK's present boot, in chunks, with the replay's state behind it.
enum MeasurementListSchema {
    static let identifier = "2026-11 measurement lists"

    static func migrate(_ db: Database) throws { try db.execute(sql: lists) }

    private static let lists = """
        CREATE TABLE measurement_lists (
            ak_name BLOB PRIMARY KEY,
            reset_count INTEGER NOT NULL,
            restart_count INTEGER NOT NULL,
            boot_id TEXT,
            byte_count INTEGER NOT NULL CHECK (byte_count >= 0),
            checkpoint BLOB NOT NULL,
            summary BLOB NOT NULL
        ) STRICT;
        CREATE TABLE measurement_list_chunks (
            ak_name BLOB NOT NULL,
            start INTEGER NOT NULL CHECK (start >= 0),
            bytes BLOB NOT NULL CHECK (length(bytes) > 0),
            PRIMARY KEY (ak_name, start)
        ) STRICT;
        """
}
