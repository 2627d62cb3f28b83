internal import AttestationMessages

/// What may not happen to reference sets while a plan counts on them.
enum PlanRule {
    /// While a plan is open both of its sets stay what they are; only `plan close` and a rollback move them.
    static func check(_ act: ReferenceAct, on record: ReferenceRecord, _ snapshot: any StoreSnapshot) throws {
        let plans = try snapshot.openPlans(group: record.group)
        let rollout = try snapshot.openRollout(group: record.group)
        switch act {
        case .activate:
            if let rollout { throw inRollout(rollout) }
            guard let plan = plans.first else { return }
            throw inPlan("group \(record.group)", plan)
        case .reject:
            let name = "\(record.name)@\(record.version)"
            if let rollout, rollout.referenceSet == name { throw inRollout(rollout) }
            guard let plan = plans.first(where: { $0.referenceSet == name }) else { return }
            throw inPlan(name, plan)
        case .propose, .approve, .expire: return
        }
    }

    private static func inPlan(_ what: String, _ plan: PlanRecord) -> ServiceError {
        ServiceError(.conflict, "PLAN_OPEN", "\(what) is in the open plan \(plan.name); close it first")
    }

    static func inRollout(_ rollout: RolloutRecord) -> ServiceError {
        ServiceError(
            .conflict, "ROLLOUT_OPEN", "\(rollout.referenceSet) is being activated in stages; halt that first")
    }

    /// Enrolled nodes that the active set of a group judges, by id.
    ///
    /// - Parameter limit: stops soon after so many.
    static func nodes(
        judgedBy group: String, site: String?, nodeGroup: String?, limit: Int, _ snapshot: any StoreSnapshot
    ) throws -> [NodeRecord] {
        var nodes: [NodeRecord] = []
        var judged: [String: Bool] = [:]
        var cursor: NodeID?
        while nodes.count <= limit {
            let page = try snapshot.nodes(site: site, group: nodeGroup, after: cursor, limit: 500)
            for node in page where isMember(node) {
                let isJudged = try judged[node.group] ?? judges(group, node.group, snapshot)
                judged[node.group] = isJudged
                if isJudged { nodes.append(node) }
            }
            cursor = page.last?.nodeID
            if page.count < 500 { break }
        }
        return nodes
    }

    static func isMember(_ node: NodeRecord) -> Bool {
        node.lifecycle == .enrolled || node.lifecycle == .suspended
    }

    /// Whether the active set of the plan's group judges nodes of `group`.
    static func judges(_ planGroup: String, _ group: String, _ snapshot: any StoreSnapshot) throws -> Bool {
        if group == planGroup { return true }
        guard planGroup == VerifierPolicy.defaultGroup else { return false }
        return try snapshot.activeReference(group: group) == nil
    }
}
