internal import Appraisal
internal import AttestationMessages
internal import TPMStructures

/// Machines that should agree: one model, as they told it when they enrolled, in one group, which operators chose.
struct PeerClass: Hashable, Sendable, Comparable {
    let group: String
    let manufacturer: String?
    let product: String?

    /// - Returns: nil for a node that told no model.
    init?(_ node: NodeRecord) {
        func told(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        group = node.group
        manufacturer = told(node.platform.manufacturer)
        product = told(node.platform.product)
        guard manufacturer != nil || product != nil else { return nil }
    }

    var model: String { [manufacturer, product].compactMap { $0 }.joined(separator: " ") }

    static func < (left: PeerClass, right: PeerClass) -> Bool {
        (left.group, left.manufacturer ?? "", left.product ?? "")
            < (right.group, right.manufacturer ?? "", right.product ?? "")
    }
}

/// Register values of the enrolled nodes by class, read page by page on the readers: a walk over the fleet neither holds its
/// evidence in memory nor waits for the writer.
struct PeerFleet: Sendable {
    private(set) var classes: [PeerClass: PeerTally] = [:]
    private(set) var withoutModel = 0
    private(set) var withoutEvidence = 0
    /// Nodes that were told of as outliers before.
    private(set) var told: Set<NodeID> = []
    private static let pageSize = 100

    /// - Parameter group: only nodes of this group; nil for all.
    static func read(_ store: any TransactionalStore, group: String?) async throws -> PeerFleet {
        var fleet = PeerFleet()
        var cursor: NodeID?
        repeat {
            let after = cursor
            let (page, rows) = try await store.read { snapshot in
                let page = try snapshot.nodes(site: nil, group: group, after: after, limit: Self.pageSize)
                return ((count: page.count, last: page.last?.nodeID), try page.map { try Row($0, snapshot) })
            }
            for row in rows { fleet.add(row) }
            try Task.checkCancellation()
            await Task.yield()
            cursor = page.count == Self.pageSize ? page.last : nil
        } while cursor != nil
        return fleet
    }

    private struct Row: Sendable {
        let node: NodeID
        let isEnrolled: Bool
        let peerClass: PeerClass?
        /// Of the node's last completed appraisal, as its quote signed them.
        let values: PCRValues?
        let isTold: Bool

        init(_ record: NodeRecord, _ snapshot: any StoreSnapshot) throws {
            node = record.nodeID
            isTold = try PeerNotice.stored(record.nodeID, snapshot) != nil
            isEnrolled = record.lifecycle == .enrolled || record.lifecycle == .suspended
            peerClass = PeerClass(record)
            guard isEnrolled, peerClass != nil, let identity = try snapshot.identity(record.identityID),
                let digest = try snapshot.attestationState(akName: identity.akName)?.pcrDigest
            else {
                values = nil
                return
            }
            values = try snapshot.keptRegisters(akName: identity.akName, pcrDigest: digest)
                .flatMap(PCRValueCodec.decode(stored:))
        }
    }

    private mutating func add(_ row: Row) {
        if row.isTold { told.insert(row.node) }
        guard row.isEnrolled else { return }
        guard let peerClass = row.peerClass else {
            withoutModel += 1
            return
        }
        guard let values = row.values else {
            withoutEvidence += 1
            return
        }
        classes[peerClass, default: PeerTally()].add(row.node.rawValue, values)
    }
}
