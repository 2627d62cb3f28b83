internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    private static let overrideColumns = [
        "override_id", "node_id", "ak_name", "site", "status", "reason", "until", "proposed_by", "proposed_by_key",
        "proposed_at", "approved_by", "approved_by_key", "approved_at", "lab_mode", "ended_by", "ended_at",
    ]
    private static let selectOverride = "SELECT \(overrideColumns.joined(separator: ", ")) FROM admission_overrides"
    private static let saveOverride =
        Upsert("admission_overrides", key: ["override_id"], columns: overrideColumns).sql

    private func decodeOverride(_ row: StoredRow) throws -> OverrideRecord {
        var columns = ColumnReader(row, "admission_overrides")
        return try OverrideRecord(
            overrideID: columns.text(), nodeID: columns.nodeID(), akName: columns.bytes(),
            site: columns.optionalText(), status: columns.value(), reason: columns.text(),
            untilMilliseconds: columns.integer(), proposedBy: columns.text(), proposedByKeySHA256: columns.text(),
            proposedAtMilliseconds: columns.integer(), approvedBy: columns.optionalText(),
            approvedByKeySHA256: columns.optionalText(), approvedAtMilliseconds: columns.optionalInteger(),
            labMode: columns.flag(), endedBy: columns.optionalText(),
            endedAtMilliseconds: columns.optionalInteger())
    }

    func override(_ id: String) throws -> OverrideRecord? {
        try row(Self.selectOverride + " WHERE override_id = ?", [id]).map(decodeOverride)
    }

    func openOverride(of node: NodeID) throws -> OverrideRecord? {
        try row(Self.selectOverride + " WHERE node_id = ? AND status <> 'ended'", [node.rawValue])
            .map(decodeOverride)
    }

    func overrides(open: Bool?, node: NodeID?, before cursor: String?, limit: Int) throws -> [OverrideRecord] {
        try rows(
            Self.selectOverride + """
                 WHERE (?1 IS NULL OR (status <> 'ended') = ?1) AND (?2 IS NULL OR node_id = ?2)
                    AND (?3 IS NULL OR override_id < ?3)
                ORDER BY override_id DESC LIMIT ?4
                """, [open, node?.rawValue, cursor, limit]
        ).map(decodeOverride)
    }

    func save(_ override: OverrideRecord) throws {
        try execute(
            Self.saveOverride,
            [
                override.overrideID, override.nodeID.rawValue, override.akName.data, override.site,
                override.status.rawValue, override.reason, override.untilMilliseconds, override.proposedBy,
                override.proposedByKeySHA256, override.proposedAtMilliseconds, override.approvedBy,
                override.approvedByKeySHA256, override.approvedAtMilliseconds, override.labMode, override.endedBy,
                override.endedAtMilliseconds,
            ])
    }
}
