internal import AttestationMessages
internal import ByteParsing

/// Builds what operators see of a node from what is stored.
struct NodeViews: Sendable {
    let policy: VerifierPolicy

    func state(_ node: NodeRecord, _ snapshot: any StoreSnapshot) throws -> NodeState {
        let evidence = try snapshot.identity(node.identityID).flatMap {
            try snapshot.attestationState(akName: $0.akName)
        }
        return try state(node, evidence, snapshot)
    }

    func view(_ node: NodeRecord, _ snapshot: any StoreSnapshot) throws -> NodeView {
        guard let identity = try snapshot.identity(node.identityID) else {
            throw ServiceError(.unavailable, "STORE_POISON", "the identity of \(node.nodeID) is missing")
        }
        let evidence = try snapshot.attestationState(akName: identity.akName)
        return NodeView(
            nodeID: node.nodeID, state: try state(node, evidence, snapshot), lifecycle: node.lifecycle,
            standing: node.standing, site: node.site, group: node.group, assetTag: node.assetTag,
            platform: node.platform, ekName: Hex.encode(identity.ekName), akName: Hex.encode(identity.akName),
            ekTrust: identity.ekTrust.rawValue, tpmManufacturer: identity.tpmManufacturer,
            tpmModel: identity.tpmModel, tpmFirmware: identity.tpmFirmware,
            enrolledAtMilliseconds: node.enrolledAtMilliseconds,
            lastEvidenceAtMilliseconds: evidence?.lastVerdictAtMilliseconds,
            stateSinceMilliseconds: node.stateSinceMilliseconds,
            lastVerdict: try evidence?.lastVerdictID.flatMap { try snapshot.verdict($0)?.summary },
            resetCount: evidence?.counters?.resetCount, restartCount: evidence?.counters?.restartCount,
            bootID: evidence?.bootID, agentVersion: evidence?.agentVersion)
    }

    /// Brings what is shown in line with what is stored, before the node is saved.
    func refresh(_ node: inout NodeRecord, _ snapshot: any StoreSnapshot) throws {
        let shown = try state(node, snapshot)
        if shown != node.shownState { node.stateSinceMilliseconds = snapshot.now }
        node.shownState = shown
    }

    private func state(
        _ node: NodeRecord, _ evidence: AttestationStateRecord?, _ snapshot: any StoreSnapshot
    ) throws -> NodeState {
        NodeStateRule.state(
            node, evidence, maxAge: policy.maxEvidenceAge(try policy.settings(of: node.group, in: snapshot)),
            now: snapshot.now)
    }
}
