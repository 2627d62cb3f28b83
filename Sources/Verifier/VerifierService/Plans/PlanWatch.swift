internal import AttestationMessages

/// What happens to plans by time: nodes miss their window, and a group that is updated whole ends its plans.
enum PlanWatch {
    private static let batch = 200

    /// - Parameter grace: how long logs of evidence that came within the window may take.
    static func check(_ store: any TransactionalStore, grace: Int64) async throws {
        try await noteMissed(store, grace)
        let groups = try await store.read { snapshot in
            let open = try snapshot.plans(open: true)
            return try Set(open.map(\.group)).filter { group in
                let isUpdated = try open.contains {
                    try $0.group == group && snapshot.planCounts(of: $0.name).updated > 0
                }
                return try isUpdated && snapshot.isUpdatedByPlans(group: group)
            }
        }
        for group in groups.sorted() { try await end(group, store) }
    }

    private static func noteMissed(_ store: any TransactionalStore, _ grace: Int64) async throws {
        while true {
            let late = try await store.read { try $0.waitingNodes(inPlansEndedBy: $0.now - grace, limit: batch) }
            guard !late.isEmpty else { return }
            try await store.write { tx in
                for row in try tx.waitingNodes(inPlansEndedBy: tx.now - grace, limit: batch) {
                    guard let plan = try tx.plan(row.plan) else { continue }
                    var missed = row
                    missed.status = .missed
                    missed.atMilliseconds = tx.now
                    try tx.save(missed)
                    try PlanLedger.record(missed, of: plan, "PLAN_NODE_MISSED", try tx.node(row.nodeID), tx)
                }
            }
        }
    }

    /// Every node that the active set judges is judged by the new one alone already: it may become the active one without
    /// a change for anybody. Decided again in the transaction that writes it.
    private static func end(_ group: String, _ store: any TransactionalStore) async throws {
        do {
            try await store.write { tx in
                guard try tx.isUpdatedByPlans(group: group) else { return }
                try PlanClosing(initiator: .verifier, reason: "every node of group \(group) is updated")
                    .activate(try tx.openPlans(group: group), note: nil, tx)
            }
        } catch let error as ServiceError where error.kind == .conflict || error.kind == .forbidden {
            // A set that can no longer be activated leaves its plans to an operator, who is refused with the reason.
        }
    }
}
