/// `INSERT … ON CONFLICT … DO UPDATE`: unlike REPLACE it fires no delete, and updates the row in place.
struct Upsert {
    let sql: String

    init(_ table: String, key: [String], columns: [String]) {
        let marks = [String](repeating: "?", count: columns.count).joined(separator: ", ")
        let updates = columns.filter { !key.contains($0) }.map { "\($0) = excluded.\($0)" }
        sql = """
            INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(marks)) \
            ON CONFLICT (\(key.joined(separator: ", "))) DO UPDATE SET \(updates.joined(separator: ", "))
            """
    }
}
