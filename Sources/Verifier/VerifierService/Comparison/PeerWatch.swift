internal import Appraisal
internal import AttestationMessages
internal import SecurityEvents

/// Tells of machines that stand alone in their class: once for each boot of the machine. Decides nothing (decision 0026).
package enum PeerWatch {
    static let event = "PEER_OUTLIER"

    /// One walk over the fleet.
    package static func check(_ store: any TransactionalStore) async throws {
        let fleet = try await PeerFleet.read(store, group: nil)
        var over = fleet.told
        for (peerClass, tally) in fleet.classes.sorted(by: { $0.key < $1.key }) {
            var reader = PeerOutlierReader(store: store)
            let outliers = Dictionary(grouping: tally.comparison().outliers, by: \.machine)
            for (machine, outliers) in outliers.sorted(by: { $0.key < $1.key }) {
                guard let node = NodeID(machine) else { continue }
                over.remove(node)
                let text = text(outliers, peerClass)
                let known = try await store.read { try Known(node, $0) }
                guard let boot = known.boot, known.notice != PeerNotice(boot: boot, text: text) else { continue }
                let notice = PeerNotice(boot: boot, text: text)
                if known.notice?.boot == boot {
                    // The class changed around it: shown, not told again.
                    try await store.write { try notice.save(node, $0) }
                } else {
                    try await tell(notice, node, peerClass, try await reader.views(outliers), store)
                }
            }
        }
        for node in over { try await store.write { try PeerNotice.clear(node, $0) } }
    }

    private struct Known: Sendable {
        let boot: String?
        let notice: PeerNotice?
        init(_ node: NodeID, _ snapshot: any StoreSnapshot) throws {
            boot = try snapshot.node(node).flatMap { try PeerNotice.boot(of: $0, snapshot) }
            notice = try PeerNotice.stored(node, snapshot)
        }
    }

    private static func text(_ outliers: [PeerComparison.Outlier], _ peerClass: PeerClass) -> String {
        let registers = outliers.map { "\($0.pcr) (\($0.majorityCount) of \($0.machines) agree)" }
        return "PCR \(registers.joined(separator: ", ")) differs from its peers: \(peerClass.model), "
            + "group \(peerClass.group)"
    }

    private static func tell(
        _ notice: PeerNotice, _ id: NodeID, _ peerClass: PeerClass, _ outliers: [PeerOutlierView],
        _ store: any TransactionalStore
    ) async throws {
        try await store.write { tx in
            // It may have booted, or gone, since it was compared.
            guard let node = try tx.node(id), try PeerNotice.boot(of: node, tx) == notice.boot,
                let first = outliers.first
            else { return }
            let events = outliers.flatMap(\.events)
            let named = events.prefix(4).map { "\($0.kind) \($0.component) \($0.name)" }.joined(separator: "; ")
            try notice.save(id, tx)
            try tx.raise(
                EventDraft(
                    eventID: event, severity: SecurityEventCatalogue.severity(event), outcome: "unknown",
                    node: id.rawValue, site: node.site,
                    message: notice.text + (named.isEmpty ? "" : ": " + named),
                    fields: [
                        "layer": first.layer, "pcr": outliers.map { String($0.pcr) }.joined(separator: ","),
                        "bank": first.bank, "expected": first.majority, "seen": first.seen,
                        "majority": "\(first.majorityCount) of \(first.machines)", "group": peerClass.group,
                        "model": peerClass.model, "comparedWith": first.comparedWith.rawValue, "events": named,
                    ], foldingKey: notice.boot))
            try tx.audit(
                AuditEntry(
                    actor: "verifier", action: "node.peer-outlier", subject: id.rawValue, outcome: "success",
                    detail: ["boot": notice.boot, "text": notice.text]))
        }
    }
}
