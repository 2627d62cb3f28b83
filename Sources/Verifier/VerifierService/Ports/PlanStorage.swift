package import AttestationMessages

package protocol PlanReading {
    func plan(_ name: String) throws -> PlanRecord?
    /// Newest first.
    func plans(open: Bool?) throws -> [PlanRecord]
    /// Of the group whose active set judges the nodes, oldest first.
    func openPlans(group: String) throws -> [PlanRecord]
    /// The node's part in an open plan whose window it did not miss; there is at most one.
    func plannedNode(_ node: NodeID) throws -> PlanNodeRecord?
    /// By node id.
    func planNodes(of plan: String) throws -> [PlanNodeRecord]
    func planCounts(of plan: String) throws -> PlanCounts
    /// Resets of the node, unseen ones too, that the ledger explains by the plan.
    func explainedResets(of node: NodeID, by plan: String) throws -> Int64
    /// Nodes that still wait in open plans whose window ended by then.
    func waitingNodes(inPlansEndedBy end: Int64, limit: Int) throws -> [PlanNodeRecord]
    /// Whether every node that the group's active set judges is updated in an open plan.
    func isUpdatedByPlans(group: String) throws -> Bool
}

package protocol PlanWriting {
    /// Adds a plan with its nodes. A node that is in another open plan is refused by the schema, too.
    func insert(_ plan: PlanRecord, nodes: [NodeID]) throws
    /// Writes how far a node is.
    func save(_ node: PlanNodeRecord) throws
    /// Writes how the plan was closed; its nodes are in no open plan any more.
    func close(_ plan: PlanRecord) throws
    /// Takes the plan's explanation back from the boot that came with this verdict's evidence.
    /// - Returns: whether there was one.
    func withdrawPlan(ofBootIn verdictID: String, node: NodeID) throws -> Bool
}
