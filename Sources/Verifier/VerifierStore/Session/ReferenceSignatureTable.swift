internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    func referenceSignatures(_ name: String, version: Int) throws -> [ReferenceSignatureRecord] {
        try rows(
            """
            SELECT name, version, act, signer, certificates, signature, at FROM reference_signatures
            WHERE name = ? AND version = ? ORDER BY at, act DESC
            """, [name, version]
        ).map { row in
            var columns = ColumnReader(row, "reference_signatures")
            return try ReferenceSignatureRecord(
                name: columns.text(), version: columns.count(), act: columns.value(), signer: columns.text(),
                certificates: columns.byteStrings(), signature: columns.bytes(), atMilliseconds: columns.integer())
        }
    }

    func insert(_ signature: ReferenceSignatureRecord) throws {
        try execute(
            """
            INSERT INTO reference_signatures (name, version, act, signer, certificates, signature, at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                signature.name, signature.version, signature.act.rawValue, signature.signer,
                ByteStrings.encode(signature.certificates).data, signature.signature.data, signature.atMilliseconds,
            ])
    }

    func groupsWithActiveReference() throws -> [String] {
        try rows("SELECT group_name FROM reference_sets WHERE status = 'active' ORDER BY group_name").map { row in
            var columns = ColumnReader(row, "reference_sets")
            return try columns.text()
        }
    }
}
