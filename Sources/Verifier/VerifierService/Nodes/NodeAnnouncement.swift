internal import AttestationMessages
internal import SecurityEvents

/// Tells the SIEM when what is shown of a node changes; the row keeps what was told last.
enum NodeAnnouncement {
    static func update(
        _ node: inout NodeRecord, _ evidence: AttestationStateRecord?, maxAge: Int64, _ tx: any StoreTransaction
    ) throws {
        let state = NodeStateRule.state(node, evidence, maxAge: maxAge, now: tx.now)
        guard state != node.shownState else { return }
        let before = node.shownState
        node.shownState = state
        node.stateSinceMilliseconds = tx.now
        let event: String
        switch state {
        case .trusted: event = SecurityEventID.nodeTrusted
        case .untrusted: event = SecurityEventID.nodeUntrusted
        case .stale: event = SecurityEventID.nodeStale
        case .pending: event = SecurityEventID.nodePending
        case .suspended: event = SecurityEventID.nodeSuspended
        case .revoked: event = SecurityEventID.nodeRevoked
        }
        try tx.raise(
            EventDraft(
                eventID: event, severity: SecurityEventCatalogue.severity(event),
                outcome: state == .trusted ? "success" : "failure", node: node.nodeID.rawValue, site: node.site,
                message: "\(node.nodeID) is \(state.rawValue), was \(before.rawValue)",
                fields: [
                    "state": state.rawValue, "before": before.rawValue, "verdictID": evidence?.lastVerdictID ?? "",
                ]
            ))
    }
}
