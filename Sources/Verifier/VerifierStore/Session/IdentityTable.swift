internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    private static let columns = [
        "identity_id", "node_id", "status", "ek_name", "ek_public", "ek_spki_sha256", "ek_certificates", "ek_trust",
        "tpm_manufacturer", "tpm_model", "tpm_firmware", "ak_name", "ak_public", "ak_qualified_name",
        "node_key_spki", "created_at", "retired_at",
    ]
    private static let select = "SELECT \(columns.joined(separator: ", ")) FROM identities"

    private func decode(_ row: StoredRow) throws -> IdentityRecord {
        var columns = ColumnReader(row, "identities")
        return try IdentityRecord(
            identityID: columns.integer(), nodeID: columns.nodeID(), status: columns.value(),
            ekName: columns.bytes(), ekPublic: columns.bytes(), ekSPKISHA256: columns.bytes(),
            ekCertificates: columns.byteStrings(), ekTrust: columns.value(),
            tpmManufacturer: columns.optionalText(), tpmModel: columns.optionalText(),
            tpmFirmware: columns.optionalText(), akName: columns.bytes(), akPublic: columns.bytes(),
            akQualifiedName: columns.bytes(), nodeKeySPKI: columns.bytes(),
            createdAtMilliseconds: columns.integer(), retiredAtMilliseconds: columns.optionalInteger())
    }

    func identity(_ id: Int64) throws -> IdentityRecord? {
        try row(Self.select + " WHERE identity_id = ?", [id]).map(decode)
    }

    func identities(of node: NodeID) throws -> [IdentityRecord] {
        try rows(Self.select + " WHERE node_id = ? ORDER BY identity_id DESC", [node.rawValue]).map(decode)
    }

    func activeIdentity(ekName: [UInt8]) throws -> IdentityRecord? {
        try row(Self.select + " WHERE ek_name = ? AND status = 'active'", [ekName.data]).map(decode)
    }

    func identity(akName: [UInt8]) throws -> IdentityRecord? {
        try row(Self.select + " WHERE ak_name = ? ORDER BY status, identity_id DESC LIMIT 1", [akName.data]).map(decode)
    }

    func insert(_ identity: IdentityRecord) throws -> Int64 {
        do {
            try execute(
                """
                INSERT INTO identities (\(Self.columns.dropFirst().joined(separator: ", ")))
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    identity.nodeID.rawValue, identity.status.rawValue, identity.ekName.data, identity.ekPublic.data,
                    identity.ekSPKISHA256.data, ByteStrings.encode(identity.ekCertificates).data,
                    identity.ekTrust.rawValue, identity.tpmManufacturer, identity.tpmModel, identity.tpmFirmware,
                    identity.akName.data, identity.akPublic.data, identity.akQualifiedName.data,
                    identity.nodeKeySPKI.data, identity.createdAtMilliseconds, identity.retiredAtMilliseconds,
                ])
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            let message = error.message ?? ""
            if message.contains("ek_name") { throw ServiceError(.conflict, "ID_EK_REUSED", "EK of another node") }
            if message.contains("ak_name") { throw ServiceError(.conflict, "ID_AK_REUSED", "AK of another node") }
            throw ServiceError(.conflict, "ID_EK_MISMATCH", "the node id has another identity")
        }
        return db.lastInsertedRowID
    }

    func retireIdentity(_ id: Int64) throws {
        try execute(
            "UPDATE identities SET status = 'retired', retired_at = ? WHERE identity_id = ? AND status = 'active'",
            [now, id])
    }
}
