internal import Appraisal
internal import AttestationMessages
internal import ReferenceValues
internal import TCGEventLog
internal import TPMStructures

/// Says which events make outliers differ, from their own and the majority's evidence; both are verified again from what was
/// signed, so that an edited store cannot invent a difference.
struct PeerOutlierReader: Sendable {
    let store: any TransactionalStore
    /// Machines whose logs are compared by one reader.
    private static let maximumMachines = 32
    static let maximumEvents = 16
    private static let maximumDetails = 16
    private static let maximumText = 512

    private typealias Evidence = Result<ReferenceCapture.Source, PeerDifference.Failure>
    private var witnesses: [NodeID: Evidence] = [:]
    private var compared: Set<NodeID> = []

    init(store: any TransactionalStore) { self.store = store }

    /// - Parameter outliers: of one machine.
    mutating func views(_ outliers: [PeerComparison.Outlier]) async throws -> [PeerOutlierView] {
        var views: [PeerOutlierView] = []
        var own: Evidence?
        var differences: [NodeID: Result<PeerDifference, PeerDifference.Failure>] = [:]
        for outlier in outliers {
            guard let node = NodeID(outlier.machine), let witness = NodeID(outlier.witness) else { continue }
            guard compared.contains(node) || compared.count < Self.maximumMachines else {
                views.append(Self.view(node, witness, outlier, .failure(Self.tooMany)))
                continue
            }
            compared.insert(node)
            if own == nil { own = try await evidence(of: node) }
            if witnesses[witness] == nil { witnesses[witness] = try await evidence(of: witness) }
            if differences[witness] == nil, let own, let other = witnesses[witness] {
                differences[witness] = Self.difference(other, own)
            }
            let changes = (differences[witness] ?? .failure(Self.tooMany)).flatMap { difference in
                Self.catching { () throws(PeerDifference.Failure) -> [BootChange] in
                    try difference.changes(in: outlier.pcr, bank: outlier.bank)
                }
            }
            views.append(Self.view(node, witness, outlier, changes))
        }
        return views
    }

    private static let tooMany = PeerDifference.Failure(
        description: "not compared: events are named for \(maximumMachines) machines at a time")

    private static func catching<Value>(
        _ body: () throws(PeerDifference.Failure) -> Value
    ) -> Result<Value, PeerDifference.Failure> {
        do throws(PeerDifference.Failure) { return .success(try body()) } catch { return .failure(error) }
    }

    private static func difference(
        _ witness: Evidence, _ own: Evidence
    ) -> Result<PeerDifference, PeerDifference.Failure> {
        catching { () throws(PeerDifference.Failure) -> PeerDifference in
            try PeerDifference(from: witness.get(), to: own.get())
        }
    }

    private func evidence(of node: NodeID) async throws -> Evidence {
        let stored = try await store.read { snapshot in
            try snapshot.node(node).flatMap { try StoredAppraisal.last(of: $0, snapshot)?.appraisal.evidence }
        }
        guard let stored else {
            return .failure(PeerDifference.Failure(description: "no evidence of \(node) is kept whole"))
        }
        do {
            return .success(try stored.source())
        } catch let error as ServiceError {
            return .failure(PeerDifference.Failure(description: error.detail))
        }
    }

    // MARK: Views

    private static func view(
        _ node: NodeID, _ witness: NodeID, _ outlier: PeerComparison.Outlier,
        _ changes: Result<[BootChange], PeerDifference.Failure>
    ) -> PeerOutlierView {
        var view = PeerOutlierView(
            nodeID: node, pcr: Int(outlier.pcr.rawValue), layer: outlier.layer.rawValue, bank: outlier.bank.name,
            majority: outlier.majority.hex, majorityCount: outlier.majorityCount, machines: outlier.machines,
            seen: outlier.seen.hex, comparedWith: witness, events: [], eventsLeftOut: 0, eventsMissing: nil)
        switch changes {
        case .success(let changes):
            view.events = changes.prefix(maximumEvents).map(Self.event)
            view.eventsLeftOut = changes.count - view.events.count
        case .failure(let failure): view.eventsMissing = cut(failure.description)
        }
        return view
    }

    private static func event(_ change: BootChange) -> PeerEventView {
        PeerEventView(
            kind: change.kind.rawValue, event: change.after?.event, component: change.component.rawValue,
            name: cut(change.name), majority: change.before?.digest, seen: change.after?.digest,
            cause: change.cause.rawValue, details: change.details.prefix(maximumDetails).map(cut))
    }

    private static func cut(_ text: String) -> String {
        text.count <= maximumText ? text : text.prefix(maximumText) + "…"
    }
}
