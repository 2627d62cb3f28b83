internal import AttestationMessages
internal import JSONCoding

/// What was last told of an outlier: kept so that one boot is told of once, and shown by `node explain`.
struct PeerNotice: Hashable, Sendable, Codable {
    /// Reset and restart counters of the boot.
    var boot: String
    /// For people: which registers, and against how many.
    var text: String

    private static func key(_ node: NodeID) -> String { "peer-outlier.\(node.rawValue)" }

    /// Nil where the node is no outlier.
    static func stored(_ node: NodeID, _ snapshot: any StoreSnapshot) throws -> PeerNotice? {
        guard let text = try snapshot.setting(key(node)), !text.isEmpty else { return nil }
        // What does not read is told again.
        return try? StrictJSON.decode(PeerNotice.self, from: Array(text.utf8))
    }

    /// Of the node's present boot only.
    static func current(_ node: NodeRecord, _ snapshot: any StoreSnapshot) throws -> PeerNotice? {
        guard let notice = try stored(node.nodeID, snapshot), try notice.boot == boot(of: node, snapshot) else {
            return nil
        }
        return notice
    }

    static func boot(of node: NodeRecord, _ snapshot: any StoreSnapshot) throws -> String? {
        try snapshot.identity(node.identityID).flatMap { try snapshot.attestationState(akName: $0.akName)?.counters }
            .map { "\($0.resetCount)/\($0.restartCount)" }
    }

    func save(_ node: NodeID, _ tx: any StoreTransaction) throws {
        try tx.set(Self.key(node), to: String(decoding: try StrictJSON.encode(self), as: UTF8.self))
    }

    static func clear(_ node: NodeID, _ tx: any StoreTransaction) throws { try tx.set(key(node), to: "") }
}
