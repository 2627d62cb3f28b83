internal import AssetFingerprints
internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    func policyGeneration() throws -> Int64 {
        try setting("policy-generation").flatMap { Int64($0) } ?? 0
    }

    func raisePolicyGeneration() throws {
        try set("policy-generation", to: String(try policyGeneration() + 1))
    }

    // MARK: Reference sets

    private static let referenceColumns = [
        "name", "version", "status", "group_name", "document", "document_sha256", "layers", "created_by",
        "proposed_by", "proposed_by_key", "approved_by", "approved_by_key", "lab_mode", "note", "created_at",
        "valid_until",
    ]
    private static let selectReference = "SELECT \(referenceColumns.joined(separator: ", ")) FROM reference_sets"
    private static let saveReference =
        Upsert("reference_sets", key: ["name", "version"], columns: referenceColumns).sql

    private func decodeReference(_ row: StoredRow) throws -> ReferenceRecord {
        var columns = ColumnReader(row, "reference_sets")
        return try ReferenceRecord(
            name: columns.text(), version: columns.count(), status: columns.value(), group: columns.text(),
            document: columns.bytes(), documentSHA256: columns.bytes(), layers: columns.list(),
            createdBy: columns.text(), proposedBy: columns.optionalText(),
            proposedByKeySHA256: columns.optionalText(), approvedBy: columns.optionalText(),
            approvedByKeySHA256: columns.optionalText(), labMode: columns.flag(), note: columns.optionalText(),
            createdAtMilliseconds: columns.integer(), validUntilMilliseconds: columns.optionalInteger())
    }

    func references() throws -> [ReferenceRecord] {
        try rows(Self.selectReference + " ORDER BY name, version").map(decodeReference)
    }

    func reference(_ name: String, version: Int?) throws -> ReferenceRecord? {
        try row(
            Self.selectReference + " WHERE name = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version DESC LIMIT 1",
            [name, version]
        ).map(decodeReference)
    }

    func activeReference(group: String) throws -> ReferenceRecord? {
        try row(Self.selectReference + " WHERE group_name = ? AND status = 'active'", [group]).map(decodeReference)
    }

    func activeReferences(endingBy end: Int64) throws -> [ReferenceRecord] {
        try rows(Self.selectReference + " WHERE status = 'active' AND valid_until <= ? ORDER BY name, version", [end])
            .map(decodeReference)
    }

    func save(_ reference: ReferenceRecord) throws {
        try execute(
            Self.saveReference,
            [
                reference.name, reference.version, reference.status.rawValue, reference.group,
                reference.document.data, reference.documentSHA256.data, CompactList.encode(reference.layers),
                reference.createdBy, reference.proposedBy, reference.proposedByKeySHA256, reference.approvedBy,
                reference.approvedByKeySHA256, reference.labMode, reference.note, reference.createdAtMilliseconds,
                reference.validUntilMilliseconds,
            ])
        try raisePolicyGeneration()
    }

    // MARK: Fingerprint baselines

    private static let baselineColumns = [
        "group_name", "kind", "version", "status", "document", "document_sha256", "proposed_by", "proposed_by_key",
        "approved_by", "lab_mode", "created_at",
    ]
    private static let selectBaseline = """
        SELECT \(baselineColumns.joined(separator: ", ")) FROM baselines WHERE group_name = ? AND kind = ?
        """
    private static let saveBaseline =
        Upsert("baselines", key: ["group_name", "kind", "version"], columns: baselineColumns).sql

    private func decodeBaseline(_ row: StoredRow) throws -> BaselineRecord {
        var columns = ColumnReader(row, "baselines")
        return try BaselineRecord(
            group: columns.text(), kind: columns.value(), version: columns.count(), status: columns.value(),
            document: columns.bytes(), documentSHA256: columns.bytes(), proposedBy: columns.text(),
            proposedByKeySHA256: columns.text(), approvedBy: columns.optionalText(), labMode: columns.flag(),
            createdAtMilliseconds: columns.integer())
    }

    func baseline(group: String, kind: FingerprintKind, version: Int?) throws -> BaselineRecord? {
        if let version {
            return try row(Self.selectBaseline + " AND version = ?", [group, kind.rawValue, version])
                .map(decodeBaseline)
        }
        return try row(Self.selectBaseline + " AND status = 'active'", [group, kind.rawValue]).map(decodeBaseline)
    }

    func latestBaseline(group: String, kind: FingerprintKind) throws -> BaselineRecord? {
        try row(Self.selectBaseline + " ORDER BY version DESC LIMIT 1", [group, kind.rawValue]).map(decodeBaseline)
    }

    func save(_ baseline: BaselineRecord) throws {
        try execute(
            Self.saveBaseline,
            [
                baseline.group, baseline.kind.rawValue, baseline.version, baseline.status.rawValue,
                baseline.document.data, baseline.documentSHA256.data, baseline.proposedBy,
                baseline.proposedByKeySHA256, baseline.approvedBy, baseline.labMode, baseline.createdAtMilliseconds,
            ])
        try raisePolicyGeneration()
    }

    // MARK: Group settings

    func settings(group: String) throws -> GroupSettingsRecord? {
        try row(
            "SELECT group_name, settings, changed_by, changed_at FROM group_settings WHERE group_name = ?", [group]
        ).map { row in
            var columns = ColumnReader(row, "group_settings")
            return try GroupSettingsRecord(
                group: columns.text(), settings: columns.json(), changedBy: columns.text(),
                changedAtMilliseconds: columns.integer())
        }
    }

    private static let saveSettings =
        Upsert(
            "group_settings", key: ["group_name"], columns: ["group_name", "settings", "changed_by", "changed_at"]
        ).sql

    func save(_ settings: GroupSettingsRecord) throws {
        try execute(
            Self.saveSettings,
            [
                settings.group, JSONText.encode(settings.settings), settings.changedBy,
                settings.changedAtMilliseconds,
            ])
        try raisePolicyGeneration()
    }

    // MARK: Revocation feeds

    func revocations() throws -> RevocationRecord? {
        try row(
            """
            SELECT document, document_sha256, date, reason, imported_by, imported_at FROM revocation_feeds
            ORDER BY number DESC LIMIT 1
            """
        ).map { row in
            var columns = ColumnReader(row, "revocation_feeds")
            return try RevocationRecord(
                document: columns.bytes(), documentSHA256: columns.bytes(), dateMilliseconds: columns.integer(),
                reason: columns.text(), importedBy: columns.text(), importedAtMilliseconds: columns.integer())
        }
    }

    func insert(_ revocations: RevocationRecord) throws {
        try execute(
            """
            INSERT INTO revocation_feeds (document, document_sha256, date, reason, imported_by, imported_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                revocations.document.data, revocations.documentSHA256.data, revocations.dateMilliseconds,
                revocations.reason, revocations.importedBy, revocations.importedAtMilliseconds,
            ])
        try raisePolicyGeneration()
    }
}
