package import AttestationMessages

/// A change plan. What was planned never changes; only how it was closed is written later.
package struct PlanRecord: Hashable, Sendable {
    package var name: String
    package var group: String
    package var referenceName: String
    package var referenceVersion: Int
    package var startMilliseconds: Int64
    package var endMilliseconds: Int64
    package var reboots: Int
    package var reason: String
    package var ticket: String?
    package var createdBy: String
    package var createdByKeySHA256: String
    package var createdAtMilliseconds: Int64
    package var closedBy: String?
    package var closedAtMilliseconds: Int64?
    package var closeReason: String?
    package var activated: Bool

    package init(
        name: String, group: String, referenceName: String, referenceVersion: Int, startMilliseconds: Int64,
        endMilliseconds: Int64, reboots: Int, reason: String, ticket: String?, createdBy: String,
        createdByKeySHA256: String, createdAtMilliseconds: Int64, closedBy: String? = nil,
        closedAtMilliseconds: Int64? = nil, closeReason: String? = nil, activated: Bool = false
    ) {
        self.name = name
        self.group = group
        self.referenceName = referenceName
        self.referenceVersion = referenceVersion
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
        self.reboots = reboots
        self.reason = reason
        self.ticket = ticket
        self.createdBy = createdBy
        self.createdByKeySHA256 = createdByKeySHA256
        self.createdAtMilliseconds = createdAtMilliseconds
        self.closedBy = closedBy
        self.closedAtMilliseconds = closedAtMilliseconds
        self.closeReason = closeReason
        self.activated = activated
    }

    package var isOpen: Bool { closedAtMilliseconds == nil }
    /// `name@version` of the set that comes.
    package var referenceSet: String { "\(referenceName)@\(referenceVersion)" }

    func isInWindow(_ now: Int64) -> Bool { startMilliseconds <= now && now < endMilliseconds }

    func view(_ counts: PlanCounts) -> PlanView {
        PlanView(
            name: name, status: isOpen ? .open : .closed, reason: reason, ticket: ticket, group: group,
            referenceSet: referenceSet, startMilliseconds: startMilliseconds, endMilliseconds: endMilliseconds,
            reboots: reboots, waiting: counts.waiting, updated: counts.updated, missed: counts.missed,
            createdBy: createdBy, createdAtMilliseconds: createdAtMilliseconds, closedBy: closedBy,
            closedAtMilliseconds: closedAtMilliseconds, closeReason: closeReason, activated: activated)
    }
}

/// One node's part in a plan.
package struct PlanNodeRecord: Hashable, Sendable {
    package var plan: String
    package var nodeID: NodeID
    package var status: PlanNodeStatus
    package var atMilliseconds: Int64?
    package var verdictID: String?

    package init(
        plan: String, nodeID: NodeID, status: PlanNodeStatus = .waiting, atMilliseconds: Int64? = nil,
        verdictID: String? = nil
    ) {
        self.plan = plan
        self.nodeID = nodeID
        self.status = status
        self.atMilliseconds = atMilliseconds
        self.verdictID = verdictID
    }

    func view(of plan: PlanRecord) -> PlanNodeView {
        PlanNodeView(
            plan: plan.name, nodeID: nodeID, status: status, referenceSet: plan.referenceSet,
            atMilliseconds: atMilliseconds, verdictID: verdictID)
    }
}

/// How many nodes of a plan stand where.
package struct PlanCounts: Hashable, Sendable {
    package var waiting = 0
    package var updated = 0
    package var missed = 0
    package init() {}
    package subscript(status: PlanNodeStatus) -> Int {
        get {
            switch status {
            case .waiting: waiting
            case .updated: updated
            case .missed: missed
            }
        }
        set {
            switch status {
            case .waiting: waiting = newValue
            case .updated: updated = newValue
            case .missed: missed = newValue
            }
        }
    }
}
