internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    private static let rolloutColumns = [
        "group_name", "reference_name", "reference_version", "status", "stage", "stage_since", "dwell", "size",
        "reason", "ticket", "started_by", "started_at", "ended_by", "ended_at", "end_reason", "is_settled",
    ]
    private static let selectRollout = "SELECT number, \(rolloutColumns.joined(separator: ", ")) FROM rollouts"
    private static let insertRollout = """
        INSERT INTO rollouts (\(rolloutColumns.joined(separator: ", "))) \
        VALUES (\([String](repeating: "?", count: rolloutColumns.count).joined(separator: ", ")))
        """

    private func decodeRollout(_ row: StoredRow) throws -> RolloutRecord {
        var columns = ColumnReader(row, "rollouts")
        return try RolloutRecord(
            number: columns.integer(), group: columns.text(), referenceName: columns.text(),
            referenceVersion: columns.count(), status: columns.value(), stage: columns.count(),
            stageSinceMilliseconds: columns.integer(), dwellMilliseconds: columns.integer(), size: columns.count(),
            reason: columns.text(), ticket: columns.optionalText(), startedBy: columns.text(),
            startedAtMilliseconds: columns.integer(), endedBy: columns.optionalText(),
            endedAtMilliseconds: columns.optionalInteger(), endReason: columns.optionalText(),
            isSettled: columns.flag())
    }

    func openRollout(group: String) throws -> RolloutRecord? {
        try row(Self.selectRollout + " WHERE group_name = ? AND status = 'open'", [group]).map(decodeRollout)
    }

    func unfinishedRollouts() throws -> [RolloutRecord] {
        try rows(Self.selectRollout + " WHERE is_settled = 0 ORDER BY number").map(decodeRollout)
    }

    func rollouts(open: Bool?, before cursor: Int64?, limit: Int) throws -> [RolloutRecord] {
        try rows(
            Self.selectRollout + """
                 WHERE (?1 IS NULL OR (status = 'open') = ?1) AND number < ?2 ORDER BY number DESC LIMIT ?3
                """, [open, cursor ?? Int64.max, limit]
        ).map(decodeRollout)
    }

    func latestRollout(of reference: String) throws -> RolloutRecord? {
        try row(Self.selectRollout + " WHERE reference_name = ? ORDER BY number DESC LIMIT 1", [reference])
            .map(decodeRollout)
    }

    func rolloutNode(_ node: NodeID, in rollout: Int64) throws -> RolloutNodeRecord? {
        try row(
            """
            SELECT rollout, node_id, position, verdict, verdict_id, newly_failing FROM rollout_nodes
            WHERE rollout = ? AND node_id = ?
            """, [rollout, node.rawValue]
        ).map { row in
            var columns = ColumnReader(row, "rollout_nodes")
            return try RolloutNodeRecord(
                rollout: columns.integer(), nodeID: columns.nodeID(), position: columns.count(),
                verdict: columns.optionalValue(), verdictID: columns.optionalText(), isNewlyFailing: columns.flag())
        }
    }

    func rolloutCounts(_ rollout: RolloutRecord) throws -> RolloutCounts {
        let arguments: [(any DatabaseValueConvertible)?] = [rollout.number, rollout.canaries]
        let counts = try row(
            """
            SELECT count(*), count(verdict), coalesce(sum(newly_failing), 0) FROM rollout_nodes
            WHERE rollout = ? AND position < ?
            """, arguments)
        let failing = try rows(
            """
            SELECT node_id FROM rollout_nodes WHERE rollout = ? AND position < ? AND newly_failing = 1
            ORDER BY node_id LIMIT \(RolloutView.longestList)
            """, arguments
        ).map { row in
            var columns = ColumnReader(row, "rollout_nodes")
            return try columns.nodeID()
        }
        guard let counts else { return RolloutCounts(canaries: 0, judged: 0, newlyFailing: 0, failing: []) }
        var columns = ColumnReader(counts, "rollout_nodes")
        return try RolloutCounts(
            canaries: columns.count(), judged: columns.count(), newlyFailing: columns.count(), failing: failing)
    }

    func insert(_ rollout: RolloutRecord, nodes: [NodeID]) throws {
        try execute(Self.insertRollout, Self.values(of: rollout))
        let number = db.lastInsertedRowID
        for (position, node) in nodes.enumerated() {
            try execute(
                "INSERT INTO rollout_nodes (rollout, node_id, position, newly_failing) VALUES (?, ?, ?, 0)",
                [number, node.rawValue, position])
        }
        try raisePolicyGeneration()
    }

    func save(_ rollout: RolloutRecord) throws {
        let updates = Self.rolloutColumns.map { "\($0) = ?" }.joined(separator: ", ")
        try execute(
            "UPDATE rollouts SET \(updates) WHERE number = ?", Self.values(of: rollout) + [rollout.number])
        try raisePolicyGeneration()
    }

    func save(_ node: RolloutNodeRecord) throws {
        try execute(
            "UPDATE rollout_nodes SET verdict = ?, verdict_id = ?, newly_failing = ? WHERE rollout = ? AND node_id = ?",
            [node.verdict?.rawValue, node.verdictID, node.isNewlyFailing, node.rollout, node.nodeID.rawValue])
    }

    /// What was activated and how it ended stays; who was a canary of it does not.
    func purgeRollouts(endedBefore time: Int64) throws {
        try execute(
            "DELETE FROM rollout_nodes WHERE rollout IN (SELECT number FROM rollouts WHERE ended_at < ?)", [time])
    }

    private static func values(of rollout: RolloutRecord) -> [(any DatabaseValueConvertible)?] {
        [
            rollout.group, rollout.referenceName, rollout.referenceVersion, rollout.status.rawValue, rollout.stage,
            rollout.stageSinceMilliseconds, rollout.dwellMilliseconds, rollout.size, rollout.reason, rollout.ticket,
            rollout.startedBy, rollout.startedAtMilliseconds, rollout.endedBy, rollout.endedAtMilliseconds,
            rollout.endReason, rollout.isSettled,
        ]
    }
}
