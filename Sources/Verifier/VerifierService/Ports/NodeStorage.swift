package import AttestationMessages

package protocol NodeReading {
    func node(_ id: NodeID) throws -> NodeRecord?
    /// Ascending by id, after `cursor`.
    func nodes(site: String?, group: String?, after cursor: NodeID?, limit: Int) throws -> [NodeRecord]
    func nodeCount() throws -> Int
    /// As last written; a node that has just fallen silent is counted as stale from the monitor's next round on.
    func nodeCountByShownState() throws -> [NodeState: Int]
    /// Pending nodes that enrolled from one remote address.
    func pendingNodeCount(source: String) throws -> Int
    func identity(_ id: Int64) throws -> IdentityRecord?
    /// Active and retired ones, newest first.
    func identities(of node: NodeID) throws -> [IdentityRecord]
    func activeIdentity(ekName: [UInt8]) throws -> IdentityRecord?
    /// Any identity that ever had this AK, active or retired.
    func identity(akName: [UInt8]) throws -> IdentityRecord?
    func manifestEntry(for node: NodeID) throws -> ManifestRecord?
    func manifestEntries(after cursor: NodeID?, limit: Int) throws -> [ManifestRecord]
    /// Fails that nobody cleared, of this node id or this EK, oldest first.
    func stickyFails(node: NodeID, ekName: [UInt8]) throws -> [StickyFail]
    func proposal(kind: String, subject: String) throws -> ProposalRecord?
}

package protocol NodeWriting {
    /// Inserts or replaces the row and raises its version; `node.version` is ignored.
    func save(_ node: NodeRecord) throws
    func deleteNode(_ id: NodeID) throws
    /// - Returns: the new identity's number.
    /// - Throws: ``ServiceError`` `ID_EK_REUSED` or `ID_AK_REUSED` where a unique index says so.
    func insert(_ identity: IdentityRecord) throws -> Int64
    func retireIdentity(_ id: Int64) throws
    /// Inserts or replaces the entry of a node id.
    /// - Throws: ``ServiceError`` `ID_EK_REUSED` when another entry names the same EK.
    func save(_ entry: ManifestRecord) throws
    func deleteManifestEntry(_ node: NodeID) throws
    /// Consumes a one-time token: true for exactly one caller, ever (ID-19).
    func consumeManifestToken(of node: NodeID) throws -> Bool
    func insert(_ fail: StickyFail) throws
    /// Clears all fails of the node id and of the EK.
    func clearStickyFails(node: NodeID, ekName: [UInt8]) throws
    /// Inserts or replaces the open proposal of the same kind and subject.
    func save(_ proposal: ProposalRecord) throws
    func deleteProposal(kind: String, subject: String) throws
}
