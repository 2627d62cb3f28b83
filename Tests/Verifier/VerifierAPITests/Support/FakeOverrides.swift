import AttestationMessages
import VerifierService

extension FakeUseCases: OverrideUseCases {
    private static let override = OverrideView(
        overrideID: "o1", nodeID: NodeID("n1")!, akName: "", site: nil, status: .proposed, reason: "because",
        untilMilliseconds: 1, proposedBy: "a", proposedAtMilliseconds: 0, approvedBy: nil,
        approvedAtMilliseconds: nil, endedBy: nil, endedAtMilliseconds: nil, labMode: false)

    func propose(_ proposal: OverrideProposal, for node: NodeID, peer: OperatorPeer) throws -> OverrideView {
        try called("propose override \(node)")
        return Self.override
    }
    func approve(
        _ id: String, of node: NodeID, _ request: OverrideActRequest, peer: OperatorPeer
    ) throws -> OverrideView {
        try called("approve override \(id) \(node)")
        return Self.override
    }
    func end(_ id: String, of node: NodeID, _ request: OverrideActRequest, peer: OperatorPeer) throws -> OverrideView {
        try called("end override \(id) \(node)")
        return Self.override
    }
    func overrides(
        open: Bool?, node: NodeID?, cursor: String?, limit: Int, peer: OperatorPeer
    ) throws -> Page<OverrideView> {
        try called("overrides \(limit)")
        return Page(items: [Self.override])
    }
}
