package import AttestationMessages

/// Change plans: these nodes, this update, this window (decision record 0023).
package struct PlanService: PlanUseCases {
    let store: any TransactionalStore
    let ledger: OperatorLedger
    let references: ReferenceService

    package init(store: any TransactionalStore, labMode: Bool, policy: VerifierPolicy = VerifierPolicy()) {
        self.store = store
        ledger = OperatorLedger(store: store)
        references = ReferenceService(store: store, labMode: labMode, policy: policy)
    }

    package func create(_ request: PlanRequest, peer: OperatorPeer) async throws -> PlanDetail {
        let name = try OperatorInput.name(request.name, "plan")
        let policy = references.policy
        return try await ledger.perform(
            peer, "plan.create", subject: name,
            detail: [
                "reason": request.reason, "set": "\(request.referenceSet)@\(request.version)",
                "endMilliseconds": String(request.endMilliseconds),
            ]
        ) { tx in try Self.detail(of: try PlanCreation(request: request, peer: peer, policy: policy).run(tx), tx) }
    }

    package func plans(open: Bool?, peer: OperatorPeer) async throws -> Page<PlanView> {
        try await ledger.perform(peer, "plan.list", subject: nil) { tx in
            Page(items: try tx.plans(open: open).map { $0.view(try tx.planCounts(of: $0.name)) })
        }
    }

    package func plan(_ name: String, peer: OperatorPeer) async throws -> PlanDetail {
        let name = try OperatorInput.name(name, "plan")
        return try await ledger.perform(peer, "plan.show", subject: name) { tx in
            try Self.detail(of: try Self.existing(name, tx), tx)
        }
    }

    /// Says first who would lose their pass by what judges afterwards: nobody does, unless so many are accepted by
    /// number. An activation that costs more than the preview's limit takes another person than the set's proposer.
    package func close(_ name: String, _ request: PlanCloseRequest, peer: OperatorPeer) async throws -> PlanDetail {
        let name = try OperatorInput.name(name, "plan")
        do {
            let reason = try OperatorInput.reason(request.reason)
            let closing = PlanClosing(initiator: Initiator(peer: peer), reason: reason)
            let before = try await store.read { try Situation(name, activates: request.activate, $0) }
            let preview = try await preview(before, request)
            return try await store.write { [references] tx in
                let now = try Situation(name, activates: request.activate, tx)
                guard now == before else {
                    throw ServiceError(
                        .conflict, "PLAN_CHANGED", "nodes or sets of \(name) changed meanwhile; look again")
                }
                if request.activate {
                    let note = try references.accept(
                        preview, before.successor,
                        ReferenceActRequest(
                            documentSHA256: ReferenceService.hex(before.successor.documentSHA256), reason: reason,
                            acceptFailures: request.acceptFailures), peer, tx)
                    try closing.activate(try tx.openPlans(group: now.plan.group), note: note, tx)
                } else {
                    try closing.close(now.plan, activated: false, tx)
                }
                return try Self.detail(of: try Self.existing(name, tx), tx)
            }
        } catch let error as ServiceError {
            if error.kind != .unavailable { try await ledger.refuse(error, peer, "plan.close", name) }
            throw error
        }
    }

    /// What a close rests on; where it differs from what was previewed, the preview is void.
    private struct Situation: Hashable {
        let plan: PlanRecord
        /// Of this plan; the waiting ones do not lose anything by any close.
        let updated: Int
        /// What judges after the close.
        let successor: ReferenceRecord
        let isRisky: Bool

        init(_ name: String, activates: Bool, _ snapshot: any StoreSnapshot) throws {
            plan = try PlanService.existing(name, snapshot)
            guard plan.isOpen else { throw ServiceError(.conflict, "PLAN_CLOSED", "\(name) is closed") }
            updated = try snapshot.planCounts(of: name).updated
            isRisky = activates || updated > 0
            if activates {
                successor = try ReferenceService.existing(plan.referenceName, plan.referenceVersion, snapshot)
                try ReferenceService.demandActivatable(successor, snapshot)
            } else {
                guard let active = try snapshot.activeReference(group: plan.group) else {
                    throw ServiceError(.unavailable, "STORE_POISON", "group \(plan.group) has no active set")
                }
                successor = active
            }
        }
    }

    private func preview(_ situation: Situation, _ request: PlanCloseRequest) async throws -> ReferencePreview? {
        guard situation.isRisky else { return nil }
        let preview = try await references.previewing(situation.successor)
        guard preview.newlyFailing <= request.acceptFailures ?? 0 else {
            let first = preview.flips.prefix(5).map(\.nodeID.rawValue).joined(separator: ", ")
            throw ServiceError(
                .conflict, "PLAN_FAILURES",
                "\(preview.newlyFailing) of \(preview.judged) nodes would lose their pass under "
                    + "\(situation.successor.name)@\(situation.successor.version): \(first)"
                    + (preview.newlyFailing > 5 ? ", …" : ""))
        }
        return preview
    }

    // MARK: Helpers

    static func existing(_ name: String, _ snapshot: any StoreSnapshot) throws -> PlanRecord {
        guard let plan = try snapshot.plan(name) else { throw ServiceError(.unknown, "API_UNKNOWN", "no plan \(name)") }
        return plan
    }

    private static func detail(of plan: PlanRecord, _ snapshot: any StoreSnapshot) throws -> PlanDetail {
        PlanDetail(
            plan: plan.view(try snapshot.planCounts(of: plan.name)),
            nodes: try snapshot.planNodes(of: plan.name).map { $0.view(of: plan) })
    }
}
