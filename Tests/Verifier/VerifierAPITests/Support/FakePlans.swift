import AttestationMessages
import VerifierService

extension FakeUseCases: PlanUseCases {
    private static let plan = PlanDetail(
        plan: PlanView(
            name: "p", status: .open, reason: "because", ticket: nil, group: "g", referenceSet: "r@1",
            startMilliseconds: 0, endMilliseconds: 1, reboots: 3, waiting: 1, updated: 0, missed: 0, createdBy: "a",
            createdAtMilliseconds: 0, closedBy: nil, closedAtMilliseconds: nil, closeReason: nil, activated: false),
        nodes: [
            PlanNodeView(
                plan: "p", nodeID: NodeID("n1")!, status: .waiting, referenceSet: "r@1", atMilliseconds: nil,
                verdictID: nil)
        ])

    func create(_ request: PlanRequest, peer: OperatorPeer) throws -> PlanDetail {
        try called("create plan \(request.name)")
        return Self.plan
    }
    func plans(open: Bool?, peer: OperatorPeer) throws -> Page<PlanView> {
        try called("plans")
        return Page(items: [Self.plan.plan])
    }
    func plan(_ name: String, peer: OperatorPeer) throws -> PlanDetail {
        try called("plan \(name)")
        return Self.plan
    }
    func close(_ name: String, _ request: PlanCloseRequest, peer: OperatorPeer) throws -> PlanDetail {
        try called("close plan \(name)")
        return Self.plan
    }
}

extension FakeUseCases: RolloutUseCases {
    private static let rollout = RolloutView(
        name: "r", version: 1, group: "g", status: .open, stagePercent: 1, stageSinceMilliseconds: 0,
        dwellMilliseconds: 1, nodes: 2, canaries: 1, judged: 0, newlyFailing: 0, failing: [], reason: "because",
        ticket: nil, startedBy: "a", startedAtMilliseconds: 0, endedBy: nil, endedAtMilliseconds: nil, endReason: nil)

    func startRollout(
        _ name: String, version: Int, _ request: RolloutRequest, peer: OperatorPeer
    ) throws -> RolloutView {
        try called("start rollout \(name)@\(version)")
        return Self.rollout
    }
    func rollout(_ name: String, peer: OperatorPeer) throws -> RolloutView {
        try called("rollout \(name)")
        return Self.rollout
    }
    func rollouts(
        open: Bool?, cursor: String?, limit: Int, peer: OperatorPeer
    ) throws -> Page<RolloutView> {
        try called("rollouts open: \(open.map(String.init) ?? "any") \(cursor ?? "-") \(limit)")
        return Page(items: [Self.rollout], nextCursor: "1")
    }
    func haltRollout(_ name: String, _ request: ReferenceRollbackRequest, peer: OperatorPeer) throws -> RolloutHalt {
        try called("halt rollout \(name)")
        return RolloutHalt(rollout: Self.rollout, cleared: [NodeID("n1")!], stillFailed: [])
    }
}
