internal import AttestationMessages

/// Who may attest. A suspended node may, so that its evidence is there when it is resumed; it is not admitted.
enum AttestationGate {
    static func check(_ node: NodeRecord) throws {
        switch node.lifecycle {
        case .enrolled, .suspended: return
        case .pending: throw ServiceError(.forbidden, "ADM_PENDING", "\(node.nodeID) waits for approval")
        case .revoked: throw ServiceError(.forbidden, "ID_NODE_REVOKED", "\(node.nodeID) is revoked")
        }
    }

    /// The peer's node and its active identity.
    static func open(
        _ peer: NodePeer, _ snapshot: any StoreSnapshot
    ) throws -> (node: NodeRecord, identity: IdentityRecord) {
        guard let node = try snapshot.node(peer.nodeID), let identity = try snapshot.identity(node.identityID) else {
            throw ServiceError(.forbidden, "ADM_UNKNOWN", "no such node")
        }
        if node.lifecycle == .revoked { try check(node) }
        guard identity.status == .active, identity.nodeKeySPKI == peer.spki else {
            let was = try snapshot.identities(of: peer.nodeID).contains { $0.nodeKeySPKI == peer.spki }
            throw ServiceError(
                .forbidden, was ? "ID_AK_CHANGED" : "ID_CHANNEL_BINDING",
                was ? "a retired identity of \(peer.nodeID)" : "not the enrolled node key")
        }
        try check(node)
        return (node, identity)
    }
}
