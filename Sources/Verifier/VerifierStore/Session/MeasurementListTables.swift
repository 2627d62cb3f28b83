internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    private static let listColumns = [
        "ak_name", "reset_count", "restart_count", "boot_id", "byte_count", "checkpoint", "summary",
    ]
    private static let selectList =
        "SELECT \(listColumns.joined(separator: ", ")) FROM measurement_lists WHERE ak_name = ?"
    private static let saveList = Upsert("measurement_lists", key: ["ak_name"], columns: listColumns).sql
    /// Bytes up to which increments join the chunk in front of them: a quiet node adds some hundred at a time.
    private static let joinedChunkSize = 64 << 10

    func measurementList(akName: [UInt8]) throws -> MeasurementListRecord? {
        try row(Self.selectList, [akName.data]).map { row in
            var columns = ColumnReader(row, "measurement_lists")
            return try MeasurementListRecord(
                akName: columns.bytes(), resetCount: columns.uint32(), restartCount: columns.uint32(),
                bootID: columns.optionalText(), byteCount: columns.count(), checkpoint: columns.bytes(),
                summary: columns.bytes())
        }
    }

    func measurementListBytes(akName: [UInt8], from offset: Int) throws -> [UInt8]? {
        try row(
            """
            SELECT substr(bytes, ?2 - start + 1) FROM measurement_list_chunks
            WHERE ak_name = ?1 AND start <= ?2 ORDER BY start DESC LIMIT 1
            """, [akName.data, offset]
        ).flatMap { row in
            var columns = ColumnReader(row, "measurement_list_chunks")
            let bytes = try columns.bytes()
            return bytes.isEmpty ? nil : bytes
        }
    }

    func uploadedBytes(of evidenceID: String, log: String, from offset: Int) throws -> [UInt8]? {
        try row(
            "SELECT bytes FROM upload_chunks WHERE evidence_id = ? AND log = ? AND start = ?",
            [evidenceID, log, offset]
        ).map { row in
            var columns = ColumnReader(row, "upload_chunks")
            return try columns.bytes()
        }
    }

    func appendMeasurementList(akName: [UInt8], at offset: Int, _ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return }
        let joined = try execute(
            """
            UPDATE measurement_list_chunks SET bytes = CAST(bytes || ?3 AS BLOB)
            WHERE ak_name = ?1 AND start + length(bytes) = ?2 AND length(bytes) + length(?3) <= ?4
            """, [akName.data, offset, bytes.data, Self.joinedChunkSize])
        guard joined == 0 else { return }
        try execute(
            "INSERT INTO measurement_list_chunks (ak_name, start, bytes) VALUES (?, ?, ?)",
            [akName.data, offset, bytes.data])
    }

    func appendMeasurementList(akName: [UInt8], uploadedBy evidenceID: String, log: String) throws {
        try execute(
            """
            INSERT INTO measurement_list_chunks (ak_name, start, bytes)
            SELECT ?1, start, bytes FROM upload_chunks WHERE evidence_id = ?2 AND log = ?3
            """, [akName.data, evidenceID, log])
    }

    func save(_ list: MeasurementListRecord) throws {
        try execute(
            Self.saveList,
            [
                list.akName.data, list.resetCount, list.restartCount, list.bootID, list.byteCount,
                list.checkpoint.data, list.summary.data,
            ])
        try execute(
            "DELETE FROM measurement_list_chunks WHERE ak_name = ? AND start >= ?",
            [list.akName.data, list.byteCount])
        try execute(
            """
            UPDATE measurement_list_chunks SET bytes = substr(bytes, 1, ?2 - start)
            WHERE ak_name = ?1 AND start + length(bytes) > ?2
            """, [list.akName.data, list.byteCount])
    }

    func deleteMeasurementList(akName: [UInt8]) throws {
        try execute("DELETE FROM measurement_lists WHERE ak_name = ?", [akName.data])
        try execute("DELETE FROM measurement_list_chunks WHERE ak_name = ?", [akName.data])
    }

    /// Lists of AKs that no node has any more.
    func purgeMeasurementLists() throws {
        for table in ["measurement_lists", "measurement_list_chunks"] {
            try execute(
                """
                DELETE FROM \(table) WHERE ak_name NOT IN (
                    SELECT ak_name FROM identities JOIN nodes USING (identity_id))
                """)
        }
    }
}
