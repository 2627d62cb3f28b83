internal import GRDB
internal import GRDBSQLite

/// The columns of one row by position.
///
/// GRDB's `Row` serves columns by name, too, and makes a dictionary of lowercased names at every run of a statement: for a
/// row of a few columns that costs more than SQLite's own work.
///
/// The first column of every statement that is read this way is NOT NULL: GRDB takes a row for a value that begins there,
/// and throws where it is NULL.
struct StoredRow: DatabaseValueConvertible, StatementColumnConvertible {
    let columns: [DatabaseValue]

    init(sqliteStatement: SQLiteStatement, index: CInt) {
        columns = unsafe (0..<sqlite3_column_count(sqliteStatement)).map { index in
            unsafe DatabaseValue(sqliteStatement: sqliteStatement, index: index)
        }
    }

    /// A row is no value of a column, in either direction.
    var databaseValue: DatabaseValue { .null }
    static func fromDatabaseValue(_ value: DatabaseValue) -> StoredRow? { nil }
}
