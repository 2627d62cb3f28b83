internal import AttestationMessages
internal import SecurityEvents

/// Who changes something: an operator, or the verifier by a rule that an operator set off.
struct Initiator: Sendable {
    /// Nil for the verifier.
    let peer: OperatorPeer?
    static let verifier = Initiator(peer: nil)

    init(peer: OperatorPeer?) { self.peer = peer }

    var name: String { peer?.name ?? "verifier" }
    /// The form of audit records.
    var actor: String { peer.map { "operator:\($0.name)" } ?? "verifier" }
    var origin: [String: String] { peer.map(OperatorLedger.origin) ?? [:] }
}

extension StoreTransaction {
    /// Raises an event about an act at its default severity.
    func announce(
        _ eventID: String, by initiator: Initiator, node: NodeRecord? = nil, outcome: String = "success",
        _ message: String, _ fields: [String: String]
    ) throws {
        try raise(
            EventDraft(
                eventID: eventID, severity: SecurityEventCatalogue.severity(eventID), outcome: outcome,
                node: node?.nodeID.rawValue, site: node?.site, actor: initiator.peer?.name, message: message,
                fields: fields))
    }
}
