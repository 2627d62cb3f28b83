internal import AssetFingerprints
internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    private static let verdictColumns = [
        "verdict_id", "node_id", "ak_name", "verdict", "at", "issued_at", "first_broken_layer", "reasons",
        "reference_set", "submission_sha256", "reset_count", "restart_count", "same_as", "event_log_sha256",
    ]
    private static let selectVerdict = """
        SELECT \(verdictColumns.map { "verdicts.\($0)" }.joined(separator: ", ")), result, evidence
        FROM verdicts LEFT JOIN verdict_details USING (verdict_id)
        """
    private static let insertVerdict = """
        INSERT INTO verdicts (\(verdictColumns.joined(separator: ", ")))
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    private func decodeVerdict(_ row: StoredRow) throws -> VerdictRecord {
        var columns = ColumnReader(row, "verdicts")
        let id = try columns.text()
        let nodeID = try columns.nodeID()
        let akName = try columns.bytes()
        let verdict = try columns.value(Verdict.self)
        let at = try columns.integer()
        let issuedAt = try columns.integer()
        let layer = try columns.optionalText()
        let reasons = try columns.list()
        let referenceSet = try columns.optionalText()
        let submission = try columns.bytes()
        let resetCount = try columns.uint32()
        let restartCount = try columns.uint32()
        let sameAs = try columns.optionalText()
        let eventLog = try columns.optionalBytes()
        return try VerdictRecord(
            verdictID: id, nodeID: nodeID, akName: akName, verdict: verdict, atMilliseconds: at,
            issuedAtMilliseconds: issuedAt, firstBrokenLayer: layer, reasons: reasons, referenceSet: referenceSet,
            submissionSHA256: submission, resetCount: resetCount, restartCount: restartCount,
            result: columns.optionalBytes(), sameAs: sameAs, evidence: columns.optionalBytes(),
            eventLogSHA256: eventLog)
    }

    func verdict(_ id: String) throws -> VerdictRecord? {
        try row(Self.selectVerdict + " WHERE verdicts.verdict_id = ?", [id]).map(decodeVerdict)
    }

    func verdicts(of node: NodeID, before cursor: String?, limit: Int) throws -> [VerdictRecord] {
        let before = try cursor.map(sequence) ?? Int64.max
        return try rows(
            Self.selectVerdict + " WHERE node_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
            [node.rawValue, before, limit]
        ).map(decodeVerdict)
    }

    func lastPass(of node: NodeID, before verdictID: String) throws -> VerdictRecord? {
        try row(
            Self.selectVerdict
                + " WHERE node_id = ? AND verdict = 'pass' AND sequence < ? ORDER BY sequence DESC LIMIT 1",
            [node.rawValue, sequence(ofVerdict: verdictID)]
        ).map(decodeVerdict)
    }

    func firstVerdict(of node: NodeID, after verdictID: String?) throws -> VerdictRecord? {
        try row(
            Self.selectVerdict + " WHERE node_id = ? AND sequence > ? ORDER BY sequence LIMIT 1",
            [node.rawValue, verdictID.map(sequence) ?? -1]
        ).map(decodeVerdict)
    }

    func failedVerdicts(except node: NodeID, holding bytes: [UInt8], limit: Int) throws -> [VerdictRecord] {
        try rows(
            Self.selectVerdict + """
                 WHERE verdicts.verdict_id IN (SELECT failed_verdict_id FROM nodes
                    WHERE standing = 'failed' AND lifecycle <> 'revoked' AND node_id <> ?)
                    AND instr(result, ?) > 0
                ORDER BY node_id LIMIT ?
                """, [node.rawValue, bytes.data, limit]
        ).map(decodeVerdict)
    }

    /// Where a page ended. A verdict that retention took meanwhile is followed by what has a smaller id: ids sort by the
    /// time of their challenges.
    private func sequence(ofVerdict id: String) throws -> Int64 {
        let found = try row(
            """
            SELECT COALESCE((SELECT sequence FROM verdicts WHERE verdict_id = ?1),
                (SELECT 1 + MAX(sequence) FROM verdicts WHERE verdict_id < ?1), 0)
            """, [id])
        guard let found else { return 0 }
        var columns = ColumnReader(found, "verdicts")
        return try columns.integer()
    }

    func insert(_ verdict: VerdictRecord) throws {
        try execute(
            Self.insertVerdict,
            [
                verdict.verdictID, verdict.nodeID.rawValue, verdict.akName.data, verdict.verdict.rawValue,
                verdict.atMilliseconds, verdict.issuedAtMilliseconds, verdict.firstBrokenLayer,
                CompactList.encode(verdict.reasons), verdict.referenceSet, verdict.submissionSHA256.data,
                verdict.resetCount, verdict.restartCount, verdict.sameAs, verdict.eventLogSHA256?.data,
            ])
        if let result = verdict.result {
            try execute(
                "INSERT INTO verdict_details (verdict_id, result, evidence) VALUES (?, ?, ?)",
                [verdict.verdictID, result.data, verdict.evidence?.data])
        }
    }

    func forgetEvidence(ofVerdict id: String) throws {
        try execute("UPDATE verdict_details SET evidence = NULL WHERE verdict_id = ?", [id])
    }

    // MARK: Fingerprint reports

    private static let reportColumns = "node_id, kind, sha256, collected_at, received_at"

    private func decodeReport(_ row: StoredRow) throws -> FingerprintReportRecord {
        var columns = ColumnReader(row, "fingerprint_reports")
        return try FingerprintReportRecord(
            nodeID: columns.nodeID(), kind: columns.value(), sha256: columns.bytes(),
            collectedAtMilliseconds: columns.integer(), receivedAtMilliseconds: columns.integer())
    }

    func currentFingerprints(of node: NodeID) throws -> [FingerprintReportRecord] {
        try FingerprintKind.allCases.compactMap { kind in
            try fingerprintHistory(of: node, kind: kind, before: nil, limit: 1).first
        }
    }

    func fingerprintHistory(
        of node: NodeID, kind: FingerprintKind, before cursor: Int64?, limit: Int
    ) throws -> [FingerprintReportRecord] {
        try rows(
            """
            SELECT \(Self.reportColumns) FROM fingerprint_reports
            WHERE node_id = ? AND kind = ? AND received_at < ? ORDER BY received_at DESC LIMIT ?
            """, [node.rawValue, kind.rawValue, cursor ?? Int64.max, limit]
        ).map(decodeReport)
    }

    func insert(_ report: FingerprintReportRecord) throws {
        try execute(
            """
            INSERT INTO fingerprint_reports (\(Self.reportColumns)) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (node_id, kind, received_at)
            DO UPDATE SET sha256 = excluded.sha256, collected_at = excluded.collected_at
            """,
            [
                report.nodeID.rawValue, report.kind.rawValue, report.sha256.data, report.collectedAtMilliseconds,
                report.receivedAtMilliseconds,
            ])
    }

    // MARK: Retention

    func purge(_ retention: Retention) throws {
        try execute("DELETE FROM enrollment_challenges WHERE expires_at < ?", [now - 3_600_000])
        for row in try rows("SELECT node_id FROM nodes WHERE lifecycle = 'pending' AND pending_until < ?", [now]) {
            var columns = ColumnReader(row, "nodes")
            let node = try columns.nodeID()
            try deleteNode(node)
            try audit(
                AuditEntry(
                    actor: "verifier", action: "node.pending-expired", subject: node.rawValue, outcome: "success"))
        }
        // The results that states and sticky fails name, and those that later verdicts point to, stay.
        try execute(
            """
            DELETE FROM verdicts
            WHERE at < CASE verdict WHEN 'fail' THEN ?1 ELSE ?2 END
                AND verdict_id NOT IN (SELECT verdict_id FROM sticky_fails)
                AND verdict_id NOT IN (SELECT result_verdict_id FROM attestation_states
                    WHERE result_verdict_id IS NOT NULL)
                AND verdict_id NOT IN (SELECT same_as FROM verdicts WHERE same_as IS NOT NULL)
            """, [now - retention.failVerdictAge, now - retention.passVerdictAge])
        try purgeMeasurementLists()
        try execute("DELETE FROM reboots WHERE at < ?", [now - retention.failVerdictAge])
        try purgePlans(closedBefore: now - retention.failVerdictAge)
        try purgeRollouts(endedBefore: now - retention.failVerdictAge)
        try execute("DELETE FROM expected_reboots WHERE until < ?", [now - 86_400_000])
        try execute(
            """
            DELETE FROM fingerprint_reports WHERE (node_id, kind, received_at) IN (
                SELECT node_id, kind, received_at FROM (
                    SELECT node_id, kind, received_at,
                        row_number() OVER (PARTITION BY node_id, kind ORDER BY received_at DESC) AS age
                    FROM fingerprint_reports)
                WHERE age > ?)
            """, [retention.fingerprintReportsPerKind])
        try execute(
            """
            DELETE FROM blobs WHERE stored_at < ?
                AND sha256 NOT IN (SELECT sha256 FROM fingerprint_reports)
                AND sha256 NOT IN (SELECT event_log_sha256 FROM attestation_states WHERE event_log_sha256 IS NOT NULL)
                AND sha256 NOT IN (SELECT event_log_sha256 FROM verdicts WHERE event_log_sha256 IS NOT NULL)
            """, [now - 3_600_000])
    }
}
