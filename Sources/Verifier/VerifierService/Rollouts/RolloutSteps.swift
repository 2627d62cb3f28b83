internal import AttestationMessages

/// Moves a staged activation, in the transaction of its caller.
struct RolloutSteps: Sendable {
    let initiator: Initiator

    func perform(_ decision: RolloutDecision, on rollout: RolloutRecord, _ tx: any StoreTransaction) throws {
        switch decision {
        case .wait: return
        case .advance: try advance(rollout, tx)
        case .complete: try complete(rollout, tx)
        case .halt(let reason): try halt(rollout, reason, tx)
        }
    }

    private func advance(_ rollout: RolloutRecord, _ tx: any StoreTransaction) throws {
        var next = rollout
        next.stage += 1
        next.stageSinceMilliseconds = tx.now
        try tx.save(next)
        try record(
            "ROLLOUT_ADVANCED", "advance", next,
            "\(next.referenceSet) judges \(next.percent) % of the nodes of group \(next.group)", tx)
    }

    private func complete(_ rollout: RolloutRecord, _ tx: any StoreTransaction) throws {
        var set = try ReferenceService.existing(rollout.referenceName, rollout.referenceVersion, tx)
        try ReferenceService.checkContent(
            named: ReferenceService.hex(set.documentSHA256), stored: set.documentSHA256, document: set.document)
        try ReferenceService.activate(&set, tx)
        try tx.save(set)
        try ReferenceService.record(
            "reference.activate", ReferenceAct.activate.rawValue, set, by: initiator, rollout.reason, rollout.ticket,
            "in stages, started by \(rollout.startedBy)", tx)
        try end(rollout, .completed, "every stage held", tx)
        try record(
            "ROLLOUT_COMPLETED", "complete", rollout,
            "\(rollout.referenceSet) is active in group \(rollout.group): every stage held", tx)
    }

    /// The old set judges all again; the new one is rejected, so that nobody activates it by mistake.
    func halt(
        _ rollout: RolloutRecord, _ reason: String, ticket: String? = nil, _ tx: any StoreTransaction
    ) throws {
        let counts = try tx.rolloutCounts(rollout)
        try end(rollout, .halted, reason, tx)
        var set = try ReferenceService.existing(rollout.referenceName, rollout.referenceVersion, tx)
        if set.status == .approved {
            set.status = .rejected
            try tx.save(set)
            try ReferenceService.record(
                "reference.reject", ReferenceAct.reject.rawValue, set, by: initiator, reason,
                ticket ?? rollout.ticket, "staged activation halted at \(rollout.percent) %", tx)
        }
        try record(
            "ROLLOUT_HALTED", "halt", rollout, "\(rollout.referenceSet) halted at \(rollout.percent) %: \(reason)", tx,
            [
                "reason": reason, "newlyFailing": String(counts.newlyFailing),
                "nodes": counts.failing.prefix(10).map(\.rawValue).joined(separator: ","),
            ])
    }

    private func end(
        _ rollout: RolloutRecord, _ status: RolloutStatus, _ reason: String, _ tx: any StoreTransaction
    ) throws {
        var ended = rollout
        ended.status = status
        ended.endedBy = initiator.name
        ended.endedAtMilliseconds = tx.now
        ended.endReason = reason
        ended.isSettled = status == .completed
        try tx.save(ended)
    }

    private func record(
        _ event: String, _ act: String, _ rollout: RolloutRecord, _ message: String, _ tx: any StoreTransaction,
        _ more: [String: String] = [:]
    ) throws {
        let fields = [
            "set": rollout.referenceSet, "group": rollout.group, "percent": String(rollout.percent),
            "ticket": rollout.ticket ?? "",
        ].merging(more) { $1 }
        try tx.audit(
            AuditEntry(
                actor: initiator.actor, action: "rollout.\(act)", subject: rollout.referenceSet, outcome: "success",
                detail: fields.merging(initiator.origin) { $1 }))
        try tx.announce(
            event, by: initiator, outcome: event == "ROLLOUT_HALTED" ? "failure" : "success", message, fields)
    }
}
