package import AttestationMessages

package protocol OverrideReading {
    func override(_ id: String) throws -> OverrideRecord?
    /// The proposed or active one of a node; there is at most one.
    func openOverride(of node: NodeID) throws -> OverrideRecord?
    /// Newest first, before the override `cursor`; `open` are proposed and active ones.
    func overrides(open: Bool?, node: NodeID?, before cursor: String?, limit: Int) throws -> [OverrideRecord]
}

package protocol OverrideWriting {
    /// Inserts one, or updates status and names; what was proposed never changes, and an ended one stays ended. A second
    /// open one of a node, one person in both parts, and a life over 24 h are refused by the schema, too.
    func save(_ override: OverrideRecord) throws
}
