internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    private static let planColumns = [
        "name", "group_name", "reference_name", "reference_version", "starts", "ends", "reboots", "reason", "ticket",
        "created_by", "created_by_key", "created_at", "closed_by", "closed_at", "close_reason", "activated",
    ]
    private static let selectPlan = "SELECT \(planColumns.joined(separator: ", ")) FROM plans"
    private static let insertPlan = """
        INSERT INTO plans (\(planColumns.joined(separator: ", "))) \
        VALUES (\([String](repeating: "?", count: planColumns.count).joined(separator: ", ")))
        """
    private static let selectPlanNode = "SELECT plan_name, node_id, status, at, verdict_id FROM plan_nodes"

    private func decodePlan(_ row: StoredRow) throws -> PlanRecord {
        var columns = ColumnReader(row, "plans")
        return try PlanRecord(
            name: columns.text(), group: columns.text(), referenceName: columns.text(),
            referenceVersion: columns.count(), startMilliseconds: columns.integer(),
            endMilliseconds: columns.integer(), reboots: columns.count(), reason: columns.text(),
            ticket: columns.optionalText(), createdBy: columns.text(), createdByKeySHA256: columns.text(),
            createdAtMilliseconds: columns.integer(), closedBy: columns.optionalText(),
            closedAtMilliseconds: columns.optionalInteger(), closeReason: columns.optionalText(),
            activated: columns.flag())
    }

    private func decodePlanNode(_ row: StoredRow) throws -> PlanNodeRecord {
        var columns = ColumnReader(row, "plan_nodes")
        return try PlanNodeRecord(
            plan: columns.text(), nodeID: columns.nodeID(), status: columns.value(),
            atMilliseconds: columns.optionalInteger(), verdictID: columns.optionalText())
    }

    func plan(_ name: String) throws -> PlanRecord? {
        try row(Self.selectPlan + " WHERE name = ?", [name]).map(decodePlan)
    }

    func plans(open: Bool?) throws -> [PlanRecord] {
        try rows(
            Self.selectPlan + " WHERE ?1 IS NULL OR (closed_at IS NULL) = ?1 ORDER BY created_at DESC, name", [open]
        ).map(decodePlan)
    }

    func openPlans(group: String) throws -> [PlanRecord] {
        try rows(
            Self.selectPlan + " WHERE group_name = ? AND closed_at IS NULL ORDER BY created_at, name", [group]
        ).map(decodePlan)
    }

    func plannedNode(_ node: NodeID) throws -> PlanNodeRecord? {
        try row(Self.selectPlanNode + " WHERE node_id = ? AND is_open = 1 AND status <> 'missed'", [node.rawValue])
            .map(decodePlanNode)
    }

    func planNodes(of plan: String) throws -> [PlanNodeRecord] {
        try rows(Self.selectPlanNode + " WHERE plan_name = ? ORDER BY node_id", [plan]).map(decodePlanNode)
    }

    func planCounts(of plan: String) throws -> PlanCounts {
        try rows("SELECT status, count(*) FROM plan_nodes WHERE plan_name = ? GROUP BY status", [plan])
            .reduce(into: PlanCounts()) { counts, row in
                var columns = ColumnReader(row, "plan_nodes")
                let status = try columns.value(PlanNodeStatus.self)
                counts[status] = try columns.count()
            }
    }

    func explainedResets(of node: NodeID, by plan: String) throws -> Int64 {
        try integer(
            """
            SELECT sum(max(1, reset_after - reset_before)) FROM reboots
            WHERE node_id = ? AND explanation = 'plan' AND explained_by = ?
            """, [node.rawValue, plan]) ?? 0
    }

    func waitingNodes(inPlansEndedBy end: Int64, limit: Int) throws -> [PlanNodeRecord] {
        try rows(
            """
            SELECT nodes.plan_name, nodes.node_id, nodes.status, nodes.at, nodes.verdict_id
            FROM plans JOIN plan_nodes AS nodes ON nodes.plan_name = plans.name
            WHERE plans.closed_at IS NULL AND plans.ends <= ? AND nodes.status = 'waiting'
            ORDER BY nodes.plan_name, nodes.node_id LIMIT ?
            """, [end, limit]
        ).map(decodePlanNode)
    }

    func isUpdatedByPlans(group: String) throws -> Bool {
        try integer(
            """
            SELECT EXISTS (SELECT 1 FROM nodes
                WHERE lifecycle IN ('enrolled', 'suspended')
                    AND (group_name = ?1 OR (?1 = ?2 AND group_name NOT IN
                        (SELECT group_name FROM reference_sets WHERE status = 'active')))
                    AND NOT EXISTS (SELECT 1 FROM plan_nodes
                        JOIN plans ON plans.name = plan_nodes.plan_name
                        WHERE plan_nodes.node_id = nodes.node_id AND is_open = 1 AND status <> 'missed'
                            AND status = 'updated' AND plans.group_name = ?1))
            """, [group, VerifierPolicy.defaultGroup]) == 0
    }

    func insert(_ plan: PlanRecord, nodes: [NodeID]) throws {
        try execute(
            Self.insertPlan,
            [
                plan.name, plan.group, plan.referenceName, plan.referenceVersion, plan.startMilliseconds,
                plan.endMilliseconds, plan.reboots, plan.reason, plan.ticket, plan.createdBy,
                plan.createdByKeySHA256, plan.createdAtMilliseconds, plan.closedBy, plan.closedAtMilliseconds,
                plan.closeReason, plan.activated,
            ])
        for node in nodes {
            try execute(
                "INSERT INTO plan_nodes (plan_name, node_id, status, is_open) VALUES (?, ?, 'waiting', 1)",
                [plan.name, node.rawValue])
        }
        try raisePolicyGeneration()
    }

    func save(_ node: PlanNodeRecord) throws {
        try execute(
            "UPDATE plan_nodes SET status = ?, at = ?, verdict_id = ? WHERE plan_name = ? AND node_id = ?",
            [node.status.rawValue, node.atMilliseconds, node.verdictID, node.plan, node.nodeID.rawValue])
    }

    func close(_ plan: PlanRecord) throws {
        try execute(
            "UPDATE plans SET closed_by = ?, closed_at = ?, close_reason = ?, activated = ? WHERE name = ?",
            [plan.closedBy, plan.closedAtMilliseconds, plan.closeReason, plan.activated, plan.name])
        try execute("UPDATE plan_nodes SET is_open = 0 WHERE plan_name = ?", [plan.name])
        try raisePolicyGeneration()
    }

    /// The plans themselves stay: their names are used once, and the ledger names them.
    func purgePlans(closedBefore time: Int64) throws {
        try execute(
            "DELETE FROM plan_nodes WHERE plan_name IN (SELECT name FROM plans WHERE closed_at < ?)", [time])
    }

    func withdrawPlan(ofBootIn verdictID: String, node: NodeID) throws -> Bool {
        try execute(
            """
            UPDATE reboots SET explanation = 'unexplained', explained_by = NULL, reason = NULL,
                findings = findings || ',BOOT_UNEXPECTED'
            WHERE node_id = ? AND verdict_id = ? AND explanation = 'plan'
            """, [node.rawValue, verdictID]) > 0
    }
}
