internal import AttestationMessages

/// Checks a wanted plan and makes it, in the transaction that records it.
struct PlanCreation: Sendable {
    let request: PlanRequest
    let peer: OperatorPeer
    let policy: VerifierPolicy

    func run(_ tx: any StoreTransaction) throws -> PlanRecord {
        let reason = try OperatorInput.reason(request.reason)
        let ticket = try request.ticket.map { try OperatorInput.reason($0, required: false) }
        guard try tx.plan(request.name) == nil else {
            throw ServiceError(.conflict, "PLAN_EXISTS", "there is a plan \(request.name); names are used once")
        }
        let window = try window(tx.now)
        let reboots = request.reboots ?? PlanRequest.usualReboots
        guard (1...PlanRequest.mostReboots).contains(reboots) else {
            throw ServiceError(
                .invalid, "PLAN_REBOOTS", "a plan explains 1 to \(PlanRequest.mostReboots) boots of a node")
        }
        let set = try references(until: window.upperBound, tx)
        let nodes = try nodes(judgedBy: set.group, tx)
        let plan = PlanRecord(
            name: request.name, group: set.group, referenceName: set.name, referenceVersion: set.version,
            startMilliseconds: window.lowerBound, endMilliseconds: window.upperBound, reboots: reboots, reason: reason,
            ticket: ticket, createdBy: peer.name, createdByKeySHA256: peer.keySHA256, createdAtMilliseconds: tx.now)
        try tx.insert(plan, nodes: nodes)
        try tx.announce(
            "PLAN_CREATED", by: peer,
            "plan \(plan.name): \(nodes.count) nodes of group \(plan.group) to \(plan.referenceSet), by \(peer.name)",
            [
                "plan": plan.name, "set": plan.referenceSet, "group": plan.group, "nodes": String(nodes.count),
                "startMilliseconds": String(plan.startMilliseconds), "endMilliseconds": String(plan.endMilliseconds),
                "reason": reason, "ticket": ticket ?? "",
            ])
        return plan
    }

    private func window(_ now: Int64) throws -> Range<Int64> {
        let start = request.startMilliseconds ?? now
        let end = request.endMilliseconds
        guard start >= now, end > start, end - start <= PlanRequest.longestWindow else {
            throw ServiceError(
                .invalid, "PLAN_WINDOW", "a window starts now or later, and ends within 14 days of its start")
        }
        return start..<end
    }

    /// A set that two persons approved, that never judged anybody alone, and that can become the active one.
    private func references(until end: Int64, _ tx: any StoreTransaction) throws -> ReferenceRecord {
        let set = try ReferenceService.existing(
            try OperatorInput.name(request.referenceSet, "reference set"), request.version, tx)
        try ReferenceService.checkContent(
            named: ReferenceService.hex(set.documentSHA256), stored: set.documentSHA256, document: set.document)
        try ReferenceService.demandActivatable(set, tx)
        // A set that may not judge would leave the whole group without a judge.
        try ReferenceSignatures.demand(set, policy, tx)
        let name = "\(set.name)@\(set.version)"
        if let last = set.validUntilMilliseconds, last <= end {
            throw ServiceError(.conflict, "REF_EXPIRED", "\(name) ends before the window does")
        }
        guard try tx.activeReference(group: set.group) != nil else {
            throw ServiceError(
                .conflict, "PLAN_GROUP", "no set is active in group \(set.group): activate \(name) itself")
        }
        if let rollout = try tx.openRollout(group: set.group) { throw PlanRule.inRollout(rollout) }
        // Nodes of one group between three sets: nobody could say what a close would leave them with.
        if let other = try tx.openPlans(group: set.group).first(where: { $0.referenceSet != name }) {
            throw ServiceError(
                .conflict, "PLAN_OPEN", "the open plan \(other.name) brings \(other.referenceSet); close it first")
        }
        return set
    }

    private func nodes(judgedBy group: String, _ tx: any StoreTransaction) throws -> [NodeID] {
        let selects = request.site != nil || request.nodeGroup != nil
        guard request.nodes.isEmpty == selects else {
            throw ServiceError(.invalid, "PLAN_NODES", "name nodes, or select them by site or group")
        }
        let nodes =
            selects
            ? try PlanRule.nodes(
                judgedBy: group, site: request.site, nodeGroup: request.nodeGroup, limit: PlanRequest.mostNodes, tx
            ).map(\.nodeID) : try named(group, tx)
        guard (1...PlanRequest.mostNodes).contains(nodes.count) else {
            throw ServiceError(
                .invalid, "PLAN_NODES", "\(nodes.count) nodes; a plan has 1 to \(PlanRequest.mostNodes)")
        }
        for node in nodes {
            if let other = try tx.plannedNode(node) {
                throw ServiceError(.conflict, "PLAN_OPEN", "\(node) is in the open plan \(other.plan)")
            }
        }
        return nodes
    }

    private func named(_ group: String, _ tx: any StoreTransaction) throws -> [NodeID] {
        guard request.nodes.count <= PlanRequest.mostNodes, Set(request.nodes).count == request.nodes.count else {
            throw ServiceError(.invalid, "PLAN_NODES", "1 to \(PlanRequest.mostNodes) different nodes")
        }
        for id in request.nodes {
            guard let node = try tx.node(id), PlanRule.isMember(node) else {
                throw ServiceError(.unknown, "API_UNKNOWN", "no enrolled node \(id)")
            }
            guard try PlanRule.judges(group, node.group, tx) else {
                throw ServiceError(
                    .invalid, "PLAN_NODES", "\(id) is in group \(node.group), which the set of \(group) does not judge")
            }
        }
        return request.nodes
    }
}
