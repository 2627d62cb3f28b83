internal import AttestationMessages

/// What may not happen to reference sets while a plan counts on them.
enum PlanRule {
    /// While a plan is open both of its sets stay what they are; only `plan close` and a rollback move them.
    static func check(_ act: ReferenceAct, on record: ReferenceRecord, _ snapshot: any StoreSnapshot) throws {
        let plans = try snapshot.openPlans(group: record.group)
        switch act {
        case .activate:
            guard let plan = plans.first else { return }
            throw inPlan("group \(record.group)", plan)
        case .reject:
            let name = "\(record.name)@\(record.version)"
            guard let plan = plans.first(where: { $0.referenceSet == name }) else { return }
            throw inPlan(name, plan)
        case .propose, .approve, .expire: return
        }
    }

    private static func inPlan(_ what: String, _ plan: PlanRecord) -> ServiceError {
        ServiceError(.conflict, "PLAN_OPEN", "\(what) is in the open plan \(plan.name); close it first")
    }

    /// Whether the active set of the plan's group judges nodes of `group`.
    static func judges(_ planGroup: String, _ group: String, _ snapshot: any StoreSnapshot) throws -> Bool {
        if group == planGroup { return true }
        guard planGroup == VerifierPolicy.defaultGroup else { return false }
        return try snapshot.activeReference(group: group) == nil
    }
}
