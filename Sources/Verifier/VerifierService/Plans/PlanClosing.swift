internal import AttestationMessages
internal import ByteParsing
internal import SecurityEvents

/// Ends plans, in the transaction of its caller.
struct PlanClosing: Sendable {
    /// Nil for the verifier itself.
    let peer: OperatorPeer?
    let reason: String

    private var name: String { peer?.name ?? "verifier" }
    private var actor: String { peer.map { "operator:\($0.name)" } ?? "verifier" }
    private var origin: [String: String] { peer.map(OperatorLedger.origin) ?? [:] }

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
        let note = "by plan \(names)" + (note.map { "; \($0)" } ?? "")
        try tx.insert(
            ReferenceHistoryEntry(
                name: set.name, version: set.version, act: ReferenceAct.activate.rawValue, atMilliseconds: tx.now,
                by: name, reason: reason, ticket: first.ticket, note: note), group: set.group,
            keySHA256: peer?.keySHA256 ?? "")
        let fields = [
            "referenceSet": first.referenceSet, "group": set.group, "status": set.status.rawValue,
            "documentSHA256": Hex.encode(set.documentSHA256), "reason": reason, "plan": names, "note": note,
        ]
        try tx.audit(
            AuditEntry(
                actor: actor, action: "reference.activate", subject: first.referenceSet, outcome: "success",
                detail: fields.merging(origin) { $1 }))
        try raise(
            SecurityEventID.referenceChanged,
            "reference set \(first.referenceSet) of group \(set.group) is active \(note), by \(name)", fields, tx)
        for plan in plans { try close(plan, activated: true, tx) }
    }

    func close(_ plan: PlanRecord, activated: Bool, _ tx: any StoreTransaction) throws {
        var plan = plan
        plan.closedBy = name
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
                actor: actor, action: "plan.close", subject: plan.name, outcome: "success",
                detail: fields.merging(origin) { $1 }))
        try raise(
            "PLAN_CLOSED",
            "plan \(plan.name) closed by \(name): \(counts.updated) nodes updated, "
                + (activated ? "\(plan.referenceSet) is active" : "the old set stays active"), fields, tx)
    }

    private func raise(
        _ event: String, _ message: String, _ fields: [String: String], _ tx: any StoreTransaction
    ) throws {
        try tx.raise(
            EventDraft(
                eventID: event, severity: SecurityEventCatalogue.severity(event), outcome: "success", node: nil,
                actor: peer?.name, message: message, fields: fields))
    }
}
