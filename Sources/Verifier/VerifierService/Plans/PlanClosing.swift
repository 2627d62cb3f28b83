internal import AttestationMessages

/// Ends plans, in the transaction of its caller.
struct PlanClosing: Sendable {
    let initiator: Initiator
    let reason: String

    /// Makes the set of a group's open plans its active one: from here nobody is judged by two, so all of them end.
    ///
    /// - Parameter note: what the set's history says besides.
    func activate(_ plans: [PlanRecord], note: String?, _ tx: any StoreTransaction) throws {
        guard let first = plans.first else { return }
        var set = try ReferenceService.existing(first.referenceName, first.referenceVersion, tx)
        try ReferenceService.checkContent(
            named: ReferenceService.hex(set.documentSHA256), stored: set.documentSHA256, document: set.document)
        try ReferenceService.activate(&set, tx)
        try tx.save(set)
        let names = plans.map(\.name).joined(separator: ", ")
        try ReferenceService.record(
            "reference.activate", ReferenceAct.activate.rawValue, set, by: initiator, reason, first.ticket,
            "by plan \(names)" + (note.map { "; \($0)" } ?? ""), tx)
        for plan in plans { try close(plan, activated: true, tx) }
    }

    func close(_ plan: PlanRecord, activated: Bool, _ tx: any StoreTransaction) throws {
        var plan = plan
        plan.closedBy = initiator.name
        plan.closedAtMilliseconds = tx.now
        plan.closeReason = reason
        plan.activated = activated
        let counts = try tx.planCounts(of: plan.name)
        try tx.close(plan)
        let fields = [
            "plan": plan.name, "set": plan.referenceSet, "group": plan.group, "activated": String(activated),
            "waiting": String(counts.waiting), "updated": String(counts.updated), "missed": String(counts.missed),
            "reason": reason, "ticket": plan.ticket ?? "",
        ]
        try tx.audit(
            AuditEntry(
                actor: initiator.actor, action: "plan.close", subject: plan.name, outcome: "success",
                detail: fields.merging(initiator.origin) { $1 }))
        try tx.announce(
            "PLAN_CLOSED", by: initiator,
            "plan \(plan.name) closed by \(initiator.name): \(counts.updated) nodes updated, "
                + (activated ? "\(plan.referenceSet) is active" : "the old set stays active"), fields)
    }
}
