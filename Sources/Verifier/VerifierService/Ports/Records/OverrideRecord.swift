package import AttestationMessages
internal import ByteParsing

/// An admission override (AD-11). Ended ones stay as history.
package struct OverrideRecord: Hashable, Sendable {
    /// Longest time from approval to end.
    package static let longestLife: Int64 = 24 * 3_600_000

    package var overrideID: String
    package var nodeID: NodeID
    package var akName: [UInt8]
    package var site: String?
    package var status: OverrideStatus
    package var reason: String
    package var untilMilliseconds: Int64
    package var proposedBy: String
    package var proposedByKeySHA256: String
    package var proposedAtMilliseconds: Int64
    package var approvedBy: String?
    package var approvedByKeySHA256: String?
    package var approvedAtMilliseconds: Int64?
    package var labMode: Bool
    package var endedBy: String?
    package var endedAtMilliseconds: Int64?

    package init(
        overrideID: String, nodeID: NodeID, akName: [UInt8], site: String?, status: OverrideStatus, reason: String,
        untilMilliseconds: Int64, proposedBy: String, proposedByKeySHA256: String, proposedAtMilliseconds: Int64,
        approvedBy: String? = nil, approvedByKeySHA256: String? = nil, approvedAtMilliseconds: Int64? = nil,
        labMode: Bool = false, endedBy: String? = nil, endedAtMilliseconds: Int64? = nil
    ) {
        self.overrideID = overrideID
        self.nodeID = nodeID
        self.akName = akName
        self.site = site
        self.status = status
        self.reason = reason
        self.untilMilliseconds = untilMilliseconds
        self.proposedBy = proposedBy
        self.proposedByKeySHA256 = proposedByKeySHA256
        self.proposedAtMilliseconds = proposedAtMilliseconds
        self.approvedBy = approvedBy
        self.approvedByKeySHA256 = approvedByKeySHA256
        self.approvedAtMilliseconds = approvedAtMilliseconds
        self.labMode = labMode
        self.endedBy = endedBy
        self.endedAtMilliseconds = endedAtMilliseconds
    }

    /// Without a token.
    var view: OverrideView {
        OverrideView(
            overrideID: overrideID, nodeID: nodeID, akName: Hex.encode(akName), site: site, status: status,
            reason: reason, untilMilliseconds: untilMilliseconds, proposedBy: proposedBy,
            proposedAtMilliseconds: proposedAtMilliseconds, approvedBy: approvedBy,
            approvedAtMilliseconds: approvedAtMilliseconds, endedBy: endedBy,
            endedAtMilliseconds: endedAtMilliseconds, labMode: labMode)
    }

    /// What may be signed of it; nil unless active.
    func statement(now: Int64) -> OverrideStatement? {
        guard status == .active, let approvedBy else { return nil }
        return OverrideStatement(
            overrideID: overrideID, node: nodeID, akName: Hex.encode(akName), site: site, proposedBy: proposedBy,
            approvedBy: approvedBy, labMode: labMode, endsAtMilliseconds: untilMilliseconds,
            issuedAtMilliseconds: now)
    }
}
