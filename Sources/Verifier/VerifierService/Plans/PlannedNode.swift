internal import AttestationMessages
internal import SecurityEvents

/// An open change plan with the references that come with it.
struct OpenPlan: Sendable {
    let record: PlanRecord
    let references: GroupPolicy

    /// - Parameter active: what judges the group; plans are its group's.
    static func of(
        _ group: String, judgedBy active: ReferenceRecord?, policy: VerifierPolicy, in snapshot: any StoreSnapshot
    ) throws -> [String: OpenPlan] {
        guard let active else { return [:] }
        var compiled: [String: GroupPolicy] = [:]
        return try snapshot.openPlans(group: active.group).reduce(into: [:]) { plans, plan in
            let set = plan.referenceSet
            guard let record = try snapshot.reference(plan.referenceName, version: plan.referenceVersion) else {
                throw ServiceError(.unavailable, "STORE_POISON", "plan \(plan.name): \(set) is missing")
            }
            let references =
                try compiled[set] ?? GroupPolicy(group: group, policy: policy, candidate: record, in: snapshot)
            compiled[set] = references
            plans[plan.name] = OpenPlan(record: plan, references: references)
        }
    }
}

/// A node's part in an open plan while its evidence is judged (decision record 0023).
struct PlannedNode: Sendable {
    private let row: PlanNodeRecord
    private let plan: OpenPlan
    private let isInWindow: Bool

    /// Nil for a node without an open plan. A group without plans costs no read.
    ///
    /// - Parameter receivedAt: when the quote came; the window counts by it.
    init?(_ node: NodeID, _ policy: GroupPolicy, receivedAt: Int64, _ snapshot: any StoreSnapshot) throws {
        guard !policy.plans.isEmpty, let row = try snapshot.plannedNode(node), let plan = policy.plans[row.plan] else {
            return nil
        }
        self.row = row
        self.plan = plan
        isInWindow = plan.record.isInWindow(receivedAt)
    }

    /// Once updated, a node is judged by the new values only: its old ones are over, in the window and after it.
    var soleReferences: GroupPolicy? { row.status == .updated ? plan.references : nil }

    /// What may pass evidence that the active set refuses.
    var alternative: GroupPolicy? { row.status == .waiting && isInWindow ? plan.references : nil }

    /// Whether the node is where it was when its evidence was read; other evidence of it may have come meanwhile (RV-09).
    func stands(_ snapshot: any StoreSnapshot) throws -> Bool { try snapshot.plannedNode(row.nodeID) == row }

    /// A pass by the new values makes the node updated.
    func passed(
        _ verdictID: String, by policy: GroupPolicy, _ node: NodeRecord, _ tx: any StoreTransaction
    ) throws {
        guard alternative != nil, policy.reference == plan.references.reference else { return }
        var updated = row
        updated.status = .updated
        updated.atMilliseconds = tx.now
        updated.verdictID = verdictID
        try tx.save(updated)
        try PlanLedger.record(updated, of: plan.record, "PLAN_NODE_UPDATED", node, tx)
    }
}

/// What operators and the SIEM hear of one node of a plan.
enum PlanLedger {
    static func record(
        _ row: PlanNodeRecord, of plan: PlanRecord, _ event: String, _ node: NodeRecord?, _ tx: any StoreTransaction
    ) throws {
        let isUpdated = row.status == .updated
        var fields = ["plan": plan.name, "node": row.nodeID.rawValue, "set": plan.referenceSet]
        fields["verdictID"] = row.verdictID
        fields["ticket"] = plan.ticket
        try tx.audit(
            AuditEntry(
                actor: "verifier", action: "plan.node-\(row.status.rawValue)", subject: row.nodeID.rawValue,
                outcome: isUpdated ? "success" : "failure", detail: fields))
        try tx.raise(
            EventDraft(
                eventID: event, severity: SecurityEventCatalogue.severity(event),
                outcome: isUpdated ? "success" : "failure", node: row.nodeID.rawValue, site: node?.site,
                message: isUpdated
                    ? "\(row.nodeID) passes by \(plan.referenceSet) of plan \(plan.name): its old values are over"
                    : "\(row.nodeID) was not updated in the window of plan \(plan.name): its old values go on to hold",
                fields: fields, foldingKey: plan.name))
    }
}
