internal import AttestationMessages
internal import SecurityEvents

/// A node's boots in the window of its plan are expected, as many as the plan says.
package struct PlannedReboots: RebootExplaining {
    package init() {}

    package func explanation(
        ofRebootOf node: NodeRecord, resets: UInt32, now: Int64, _ snapshot: any StoreSnapshot
    ) throws -> RebootExplanation? {
        guard let row = try snapshot.plannedNode(node.nodeID), let plan = try snapshot.plan(row.plan),
            plan.isInWindow(now)
        else { return nil }
        // Boots that nobody saw count, too: what ran in them is not known.
        let seen = try snapshot.explainedResets(of: node.nodeID, by: plan.name)
        guard seen + Int64(max(1, resets)) <= Int64(plan.reboots) else { return nil }
        return .plan(id: plan.name, reason: plan.reason)
    }

    /// The counters come before the logs: only the verdict tells that a boot was not the planned one.
    static func withdraw(_ verdictID: String, _ node: NodeRecord, _ tx: any StoreTransaction) throws {
        guard try tx.withdrawPlan(ofBootIn: verdictID, node: node.nodeID) else { return }
        let event = SecurityEventID.bootUnexpected
        var fields = ["verdictID": verdictID]
        fields["plan"] = try tx.plannedNode(node.nodeID)?.plan
        try tx.raise(
            EventDraft(
                eventID: event, severity: SecurityEventCatalogue.severity(event), outcome: "failure",
                node: node.nodeID.rawValue, site: node.site,
                message: "\(node.nodeID) booted in a plan's window, but neither the old nor the new values",
                fields: fields, foldingKey: verdictID))
    }
}
