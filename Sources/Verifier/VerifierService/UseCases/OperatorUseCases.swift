package import AssetFingerprints
package import AttestationMessages

/// What operators call. Each method authorises nothing by itself: VerifierAPI has checked the role of the route, and
/// passes the peer for the audit record and for the rule that nobody approves their own proposal.
package protocol NodeUseCases: Sendable {
    func nodes(_ filter: NodeFilter, cursor: String?, limit: Int, peer: OperatorPeer) async throws -> Page<NodeView>
    func node(_ id: NodeID, peer: OperatorPeer) async throws -> NodeView
    func importManifest(_ manifest: ManifestImport, peer: OperatorPeer) async throws -> ManifestImportResult
    func act(_ act: NodeAct, on node: NodeID, _ request: NodeActRequest, peer: OperatorPeer) async throws -> NodeView
    func history(of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer) async throws -> Page<VerdictSummary>
    func verdict(_ id: String, of node: NodeID, peer: OperatorPeer) async throws -> VerdictDetail
    /// The reboot ledger, newest first.
    func reboots(of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer) async throws -> Page<RebootView>
    /// - Parameter other: the verdict to compare with; nil for the last pass.
    func explanation(of node: NodeID, comparingWith other: String?, peer: OperatorPeer) async throws
        -> NodeExplanationView
    /// Compares machines of one model and group with each other; changes nothing.
    func peers(group: String?, peer: OperatorPeer) async throws -> PeerReport
}

package struct NodeFilter: Hashable, Sendable {
    package var state: NodeState?
    package var site: String?
    package var group: String?
    package init(state: NodeState? = nil, site: String? = nil, group: String? = nil) {
        self.state = state
        self.site = site
        self.group = group
    }
}

/// Activation of a reference set in stages.
package protocol RolloutUseCases: Sendable {
    func startRollout(_ name: String, version: Int, _ request: RolloutRequest, peer: OperatorPeer) async throws
        -> RolloutView
    /// The last one of any version of the set.
    func rollout(_ name: String, peer: OperatorPeer) async throws -> RolloutView
    /// Of all sets, newest first.
    ///
    /// - Parameter open: only those under way, or only those that ended; nil for all.
    func rollouts(open: Bool?, cursor: String?, limit: Int, peer: OperatorPeer) async throws -> Page<RolloutView>
    /// Stops the one under way, and clears what failed only by its set.
    func haltRollout(_ name: String, _ request: ReferenceRollbackRequest, peer: OperatorPeer) async throws
        -> RolloutHalt
}

package protocol ReferenceUseCases: RolloutUseCases {
    func references(peer: OperatorPeer) async throws -> Page<ReferenceView>
    func reference(_ name: String, version: Int?, peer: OperatorPeer) async throws -> ReferenceDetail
    func draft(_ request: ReferenceDraftRequest, peer: OperatorPeer) async throws -> ReferenceDetail
    func act(
        _ act: ReferenceAct, on name: String, version: Int, _ request: ReferenceActRequest, peer: OperatorPeer
    ) async throws -> ReferenceView
    /// The feed that counts.
    func revocations(peer: OperatorPeer) async throws -> RevocationView
    func importRevocations(_ request: RevocationImport, peer: OperatorPeer) async throws -> RevocationView
    /// Appraises the last stored evidence of every node that the version would judge; changes nothing.
    func preview(_ name: String, version: Int, peer: OperatorPeer) async throws -> ReferencePreview
    /// Makes the version before the active one active again, and clears what failed only under the latter.
    func rollback(_ name: String, _ request: ReferenceRollbackRequest, peer: OperatorPeer) async throws
        -> ReferenceRollback
    /// Oldest first.
    func history(ofReference name: String, peer: OperatorPeer) async throws -> Page<ReferenceHistoryEntry>
}

package protocol PlanUseCases: Sendable {
    func create(_ request: PlanRequest, peer: OperatorPeer) async throws -> PlanDetail
    /// Newest first; nil for open and closed ones.
    func plans(open: Bool?, peer: OperatorPeer) async throws -> Page<PlanView>
    func plan(_ name: String, peer: OperatorPeer) async throws -> PlanDetail
    /// Refused with `PLAN_FAILURES` where nodes would lose their pass and the request does not accept so many.
    func close(_ name: String, _ request: PlanCloseRequest, peer: OperatorPeer) async throws -> PlanDetail
}

package protocol FingerprintUseCases: Sendable {
    func fingerprint(_ kind: FingerprintKind, of node: NodeID, peer: OperatorPeer) async throws -> FingerprintView
    func fingerprintHistory(
        _ kind: FingerprintKind, of node: NodeID, cursor: String?, limit: Int, peer: OperatorPeer
    ) async throws -> Page<FingerprintView>
    func baseline(_ kind: FingerprintKind, group: String, peer: OperatorPeer) async throws -> FingerprintBaselineView
    func proposeBaseline(
        _ kind: FingerprintKind, group: String, _ request: FingerprintBaselineRequest, peer: OperatorPeer
    ) async throws -> FingerprintBaselineView
    func approveBaseline(
        _ kind: FingerprintKind, group: String, version: Int, _ request: ReferenceActRequest, peer: OperatorPeer
    ) async throws -> FingerprintBaselineView
    func settings(group: String, peer: OperatorPeer) async throws -> GroupSettings
    func setSettings(_ settings: GroupSettings, group: String, peer: OperatorPeer) async throws -> GroupSettings
}

package protocol OverrideUseCases: Sendable {
    func propose(_ proposal: OverrideProposal, for node: NodeID, peer: OperatorPeer) async throws -> OverrideView
    func approve(_ id: String, of node: NodeID, _ request: OverrideActRequest, peer: OperatorPeer) async throws
        -> OverrideView
    /// Ends an active override, or withdraws a proposed one.
    func end(_ id: String, of node: NodeID, _ request: OverrideActRequest, peer: OperatorPeer) async throws
        -> OverrideView
    /// Newest first.
    func overrides(open: Bool?, node: NodeID?, cursor: String?, limit: Int, peer: OperatorPeer) async throws
        -> Page<OverrideView>
}

package protocol OversightUseCases: Sendable {
    func alarms(open: Bool?, node: NodeID?, cursor: String?, limit: Int, peer: OperatorPeer) async throws
        -> Page<AlarmView>
    func alarm(_ id: String, peer: OperatorPeer) async throws -> AlarmView
    func acknowledge(_ id: String, reason: String, peer: OperatorPeer) async throws -> AlarmView
    func siemDestinations(peer: OperatorPeer) async throws -> [SIEMDestinationView]
    /// Sends a test event to every destination, through the same outbox as all others.
    func testSIEM(peer: OperatorPeer) async throws -> [SIEMDestinationView]
    /// Gives up a destination that is no longer configured, and what only it had not got.
    func dropSIEM(_ name: String, reason: String, peer: OperatorPeer) async throws -> [SIEMDestinationView]
    func operators(peer: OperatorPeer) async throws -> [OperatorView]
    func addOperator(_ request: OperatorRequest, peer: OperatorPeer) async throws -> OperatorReply
    func setRoles(_ roles: [Role], of name: String, peer: OperatorPeer) async throws -> OperatorView
    func removeOperator(_ name: String, peer: OperatorPeer) async throws -> OperatorView
    func auditRecords(cursor: String?, limit: Int, peer: OperatorPeer) async throws -> Page<AuditRecordView>
    func verifyAudit(peer: OperatorPeer) async throws -> AuditVerification
    func status(peer: OperatorPeer) async throws -> VerifierStatus
    /// The roles of an operator's key as stored now; nil for an unknown or removed one.
    func identify(name: String, keySHA256: String) async throws -> Set<Role>?
    /// Records and alarms a call that was refused before any use case ran (API_ROLE, API_IDENTITY, …).
    func refused(code: String, actor: String, route: String, source: String) async throws
}
