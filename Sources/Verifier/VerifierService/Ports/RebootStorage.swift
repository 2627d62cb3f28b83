package import AttestationMessages

package protocol RebootReading {
    /// Newest first, below the number `cursor`.
    func reboots(of node: NodeID, before cursor: Int64?, limit: Int) throws -> [RebootView]
    /// The node's announcement, whether or not its time is over.
    func expectedReboot(of node: NodeID) throws -> ExpectedReboot?
}

package protocol RebootWriting {
    /// Adds a row to the ledger; no row ever changes.
    func insert(_ reboot: RebootRecord) throws
    /// Replaces the node's announcement.
    func save(_ expected: ExpectedReboot) throws
    func deleteExpectedReboot(of node: NodeID) throws
}
