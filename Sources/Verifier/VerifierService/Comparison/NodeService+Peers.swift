internal import Appraisal
package import AttestationMessages
internal import ReferenceValues
internal import TPMStructures

extension NodeService {
    /// Outliers of one class that an answer lists.
    private static let maximumOutliers = 256

    package func peers(group: String?, peer: OperatorPeer) async throws -> PeerReport {
        let group = try group.map { try OperatorInput.name($0, "group") }
        try await ledger.perform(peer, "node.peers", subject: group) { _ in }
        // The fleet is read and compared outside of the writer's transaction: no verdict waits for it.
        let fleet = try await PeerFleet.read(store, group: group)
        var classes: [PeerClassView] = []
        for (peerClass, tally) in fleet.classes.sorted(by: { $0.key < $1.key }) {
            classes.append(try await view(peerClass, tally.comparison()))
        }
        return PeerReport(
            minimumMachines: PeerQuorum.minimumMachines, classes: classes, withoutModel: fleet.withoutModel,
            withoutEvidence: fleet.withoutEvidence)
    }

    private func view(_ peerClass: PeerClass, _ comparison: PeerComparison) async throws -> PeerClassView {
        let listed = comparison.outliers.prefix(Self.maximumOutliers)
        var reader = PeerOutlierReader(store: store)
        var outliers: [PeerOutlierView] = []
        for machine in listed.chunked(by: \.machine) { outliers += try await reader.views(machine) }
        return PeerClassView(
            group: peerClass.group, manufacturer: peerClass.manufacturer, product: peerClass.product,
            machines: comparison.machines,
            registers: comparison.registers.map { register in
                PeerRegisterView(
                    pcr: Int(register.pcr.rawValue), bank: register.bank.name, layer: register.layer.rawValue,
                    machines: register.machines, agreement: register.agreement.rawValue,
                    majority: register.majority?.hex, largestCount: register.largestCount,
                    distinctValues: register.distinctValues)
            }, outliers: outliers, outliersLeftOut: comparison.outliers.count - listed.count)
    }
}

extension Sequence {
    /// Neighbours that share a key, in order.
    fileprivate func chunked<Key: Equatable>(by key: (Element) -> Key) -> [[Element]] {
        reduce(into: []) { chunks, element in
            if let last = chunks.last?.last, key(last) == key(element) {
                chunks[chunks.count - 1].append(element)
            } else {
                chunks.append([element])
            }
        }
    }
}
