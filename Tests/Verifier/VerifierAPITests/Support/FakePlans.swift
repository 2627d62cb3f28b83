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
