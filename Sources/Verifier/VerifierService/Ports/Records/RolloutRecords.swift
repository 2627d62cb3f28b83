package import AttestationMessages

/// A staged activation of a reference set.
package struct RolloutRecord: Hashable, Sendable {
    /// 0 until the store gave it a number.
    package var number: Int64
    package var group: String
    package var referenceName: String
    package var referenceVersion: Int
    package var status: RolloutStatus
    /// Place in ``stages``.
    package var stage: Int
    package var stageSinceMilliseconds: Int64
    package var dwellMilliseconds: Int64
    /// Nodes at its start.
    package var size: Int
    package var reason: String
    package var ticket: String?
    package var startedBy: String
    package var startedAtMilliseconds: Int64
    package var endedBy: String?
    package var endedAtMilliseconds: Int64?
    package var endReason: String?
    /// Whether the fails that only the halted set made were looked at.
    package var isSettled: Bool

    package init(
        number: Int64 = 0, group: String, referenceName: String, referenceVersion: Int, status: RolloutStatus = .open,
        stage: Int = 0, stageSinceMilliseconds: Int64, dwellMilliseconds: Int64, size: Int, reason: String,
        ticket: String?, startedBy: String, startedAtMilliseconds: Int64, endedBy: String? = nil,
        endedAtMilliseconds: Int64? = nil, endReason: String? = nil, isSettled: Bool = false
    ) {
        self.number = number
        self.group = group
        self.referenceName = referenceName
        self.referenceVersion = referenceVersion
        self.status = status
        self.stage = stage
        self.stageSinceMilliseconds = stageSinceMilliseconds
        self.dwellMilliseconds = dwellMilliseconds
        self.size = size
        self.reason = reason
        self.ticket = ticket
        self.startedBy = startedBy
        self.startedAtMilliseconds = startedAtMilliseconds
        self.endedBy = endedBy
        self.endedAtMilliseconds = endedAtMilliseconds
        self.endReason = endReason
        self.isSettled = isSettled
    }

    /// Percent of the nodes that each stage judges by the new set.
    package static let stages = [1, 10, 100]
    /// Share of a stage's canaries that must have been judged before the next: some are always away.
    package static let judgedPercent = 90
    /// Newly failing canaries that halt: any in the first stage, more than this share later.
    package static let failingPercent = 2

    package var referenceSet: String { "\(referenceName)@\(referenceVersion)" }
    package var percent: Int { Self.stages[min(max(stage, 0), Self.stages.count - 1)] }
    /// Nodes with a lower position are judged by the new set; never none.
    package var canaries: Int { min(size, max(1, (size * percent + 99) / 100)) }

    func view(_ counts: RolloutCounts) -> RolloutView {
        RolloutView(
            name: referenceName, version: referenceVersion, group: group, status: status, stagePercent: percent,
            stageSinceMilliseconds: stageSinceMilliseconds, dwellMilliseconds: dwellMilliseconds, nodes: size,
            canaries: counts.canaries, judged: counts.judged, newlyFailing: counts.newlyFailing,
            failing: counts.failing, reason: reason, ticket: ticket, startedBy: startedBy,
            startedAtMilliseconds: startedAtMilliseconds, endedBy: endedBy, endedAtMilliseconds: endedAtMilliseconds,
            endReason: endReason)
    }
}

/// One node's part in a staged activation.
package struct RolloutNodeRecord: Hashable, Sendable {
    package var rollout: Int64
    package var nodeID: NodeID
    package var position: Int
    /// By the new set: pass or fail; nil while it did not judge the node.
    package var verdict: Verdict?
    package var verdictID: String?
    /// The new set fails what the active one would pass.
    package var isNewlyFailing: Bool

    package init(
        rollout: Int64, nodeID: NodeID, position: Int, verdict: Verdict? = nil, verdictID: String? = nil,
        isNewlyFailing: Bool = false
    ) {
        self.rollout = rollout
        self.nodeID = nodeID
        self.position = position
        self.verdict = verdict
        self.verdictID = verdictID
        self.isNewlyFailing = isNewlyFailing
    }
}

/// Of the canaries of the present stage that are still there.
package struct RolloutCounts: Hashable, Sendable {
    package var canaries: Int
    package var judged: Int
    package var newlyFailing: Int
    package var failing: [NodeID]

    package init(canaries: Int, judged: Int, newlyFailing: Int, failing: [NodeID]) {
        self.canaries = canaries
        self.judged = judged
        self.newlyFailing = newlyFailing
        self.failing = failing
    }
}
