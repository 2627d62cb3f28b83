internal import AttestationMessages

/// When an override counts. It is bound to the AK and the site that its proposer saw.
enum OverrideRule {
    /// The override that admits `node` now.
    static func holding(
        _ node: NodeRecord, akName: [UInt8], _ snapshot: any StoreSnapshot
    ) throws -> OverrideRecord? {
        guard node.lifecycle == .enrolled, let record = try snapshot.openOverride(of: node.nodeID),
            record.status == .active, snapshot.now < record.untilMilliseconds, record.akName == akName,
            record.site == node.site
        else { return nil }
        return record
    }

    /// Why an open override has to be ended; nil while it may go on. A suspension only holds it up.
    static func endReason(_ record: OverrideRecord, _ snapshot: any StoreSnapshot) throws -> String? {
        guard snapshot.now < record.untilMilliseconds else { return "its time is over" }
        guard let node = try snapshot.node(record.nodeID), let identity = try snapshot.identity(node.identityID)
        else { return "the node was removed" }
        switch node.lifecycle {
        case .revoked: return "the node was revoked"
        case .pending: return "the node is pending"
        case .enrolled, .suspended: break
        }
        guard identity.akName == record.akName else { return "the node has another attestation key" }
        guard node.site == record.site else { return "the node is at another site" }
        return nil
    }

    /// - Throws: 422 `OVERRIDE_END` unless `until` is ahead of `now`, by 24 h at most.
    static func checkEnd(_ until: Int64, now: Int64) throws {
        let (life, overflow) = until.subtractingReportingOverflow(now)
        guard !overflow, life > 0, life <= OverrideRecord.longestLife else {
            throw ServiceError(.invalid, "OVERRIDE_END", "an override ends in the future, within 24 h")
        }
    }
}
