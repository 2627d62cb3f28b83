package import AttestationMessages

package protocol RolloutReading {
    /// The one of a group that is open; there is at most one.
    func openRollout(group: String) throws -> RolloutRecord?
    /// Open ones, and halted ones that are not settled.
    func unfinishedRollouts() throws -> [RolloutRecord]
    /// Of all sets, the newest first; those with lower numbers than the cursor's.
    ///
    /// - Parameter open: nil for both.
    func rollouts(open: Bool?, before cursor: Int64?, limit: Int) throws -> [RolloutRecord]
    /// The last one of any version of the set.
    func latestRollout(of reference: String) throws -> RolloutRecord?
    func rolloutNode(_ node: NodeID, in rollout: Int64) throws -> RolloutNodeRecord?
    func rolloutCounts(_ rollout: RolloutRecord) throws -> RolloutCounts
}

package protocol RolloutWriting {
    /// Adds one with its nodes in the order in which they become canaries.
    func insert(_ rollout: RolloutRecord, nodes: [NodeID]) throws
    /// Writes stage, status and end.
    func save(_ rollout: RolloutRecord) throws
    /// Writes a canary's verdict.
    func save(_ node: RolloutNodeRecord) throws
}
