internal import AttestationMessages

/// An open staged activation with the references that it brings. A class: a policy cannot hold another one by value.
final class OpenRollout: Sendable {
    let record: RolloutRecord
    let references: GroupPolicy

    private init(_ record: RolloutRecord, _ references: GroupPolicy) {
        self.record = record
        self.references = references
    }

    /// - Parameter active: what judges the group; a staged activation is its group's.
    static func of(
        _ group: String, judgedBy active: ReferenceRecord?, policy: VerifierPolicy, in snapshot: any StoreSnapshot
    ) throws -> OpenRollout? {
        guard let active, let rollout = try snapshot.openRollout(group: active.group) else { return nil }
        guard let record = try snapshot.reference(rollout.referenceName, version: rollout.referenceVersion) else {
            throw ServiceError(.unavailable, "STORE_POISON", "\(rollout.referenceSet) is missing")
        }
        return OpenRollout(rollout, try GroupPolicy(group: group, policy: policy, candidate: record, in: snapshot))
    }
}

/// A node that the present stage judges by the new set (decision record 0023).
struct CanaryNode: Sendable {
    private let row: RolloutNodeRecord
    /// What judges it.
    let references: GroupPolicy
    /// What judged it before.
    let active: GroupPolicy
    /// The new set fails what the active one passes: the set is to blame, not the node.
    var isNewlyFailing = false

    /// Nil for a node whose turn has not come. A group without a staged activation costs no read.
    init?(_ node: NodeID, _ policy: GroupPolicy, _ snapshot: any StoreSnapshot) throws {
        guard let rollout = policy.rollout, let row = try snapshot.rolloutNode(node, in: rollout.record.number),
            row.position < rollout.record.canaries
        else { return nil }
        self.row = row
        references = rollout.references
        active = policy
    }

    /// Both sets may have to look at its registers.
    var isUnproven: Bool { row.verdict != .pass }

    /// Notes what the new set says, once for each change of it.
    func note(_ verdict: Verdict, _ verdictID: String, _ tx: any StoreTransaction) throws {
        guard verdict != .error, verdict != row.verdict || isNewlyFailing != row.isNewlyFailing else { return }
        var row = row
        row.verdict = verdict
        row.verdictID = verdictID
        row.isNewlyFailing = isNewlyFailing
        try tx.save(row)
    }
}
