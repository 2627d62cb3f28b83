/// `open` from its creation; a closed plan never comes back.
public enum PlanStatus: String, Hashable, Sendable, Codable, CaseIterable { case open, closed }

/// How far one node of a plan is.
public enum PlanNodeStatus: String, Hashable, Sendable, Codable, CaseIterable {
    /// Inside the window old and new values are good; before and after it only old ones.
    case waiting
    /// It passed by the new values: from there only they are good.
    case updated
    /// The window ended without a pass by the new values: the old ones go on to hold.
    case missed
}

/// `POST /v1/plans`: these nodes, this update, this window.
public struct PlanRequest: Hashable, Sendable, Codable {
    /// Names the plan for ever.
    public var name: String
    public var reason: String
    /// The change's number in the operator's own system.
    public var ticket: String?
    /// The version that the update makes true; approved, never active yet.
    public var referenceSet: String
    public var version: Int
    /// Milliseconds since 1970 by the verifier's clock; nil for now.
    public var startMilliseconds: Int64?
    public var endMilliseconds: Int64
    /// Node ids; empty where `site` or `nodeGroup` selects them.
    public var nodes: [NodeID]
    /// All nodes of the site, of the group, or of the group at the site, that the set's group judges now.
    public var site: String?
    public var nodeGroup: String?
    /// Resets of one node that the plan explains; nil for ``usualReboots``.
    public var reboots: Int?

    public static let usualReboots = 3
    public static let mostReboots = 16
    public static let mostNodes = 10_000
    /// A window is a maintenance, not a second policy.
    public static let longestWindow: Int64 = 14 * 86_400_000

    public init(
        name: String, reason: String, ticket: String? = nil, referenceSet: String, version: Int,
        startMilliseconds: Int64? = nil, endMilliseconds: Int64, nodes: [NodeID] = [], site: String? = nil,
        nodeGroup: String? = nil, reboots: Int? = nil
    ) {
        self.name = name
        self.reason = reason
        self.ticket = ticket
        self.referenceSet = referenceSet
        self.version = version
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
        self.nodes = nodes
        self.site = site
        self.nodeGroup = nodeGroup
        self.reboots = reboots
    }
}

/// `POST /v1/plans/{name}/close`.
public struct PlanCloseRequest: Hashable, Sendable, Codable {
    public var reason: String
    /// Make the plan's version the active one of its group; otherwise updated nodes are judged by the old one again.
    public var activate: Bool
    /// So many nodes may lose their pass by this.
    public var acceptFailures: Int?
    public init(reason: String, activate: Bool, acceptFailures: Int? = nil) {
        self.reason = reason
        self.activate = activate
        self.acceptFailures = acceptFailures
    }
}

/// A change plan. Times are milliseconds since 1970, the verifier's.
public struct PlanView: Hashable, Sendable, Codable {
    public var name: String
    public var status: PlanStatus
    public var reason: String
    public var ticket: String?
    /// The group whose active set judges the nodes, and `name@version` of the set that comes.
    public var group: String
    public var referenceSet: String
    public var startMilliseconds: Int64
    public var endMilliseconds: Int64
    /// Resets of one node in the window that the plan explains.
    public var reboots: Int
    public var waiting: Int
    public var updated: Int
    public var missed: Int
    public var createdBy: String
    public var createdAtMilliseconds: Int64
    /// An operator's name, or `verifier` when every node of the group was updated.
    public var closedBy: String?
    public var closedAtMilliseconds: Int64?
    public var closeReason: String?
    /// Whether the plan's version became the active one with the close.
    public var activated: Bool

    public init(
        name: String, status: PlanStatus, reason: String, ticket: String?, group: String, referenceSet: String,
        startMilliseconds: Int64, endMilliseconds: Int64, reboots: Int, waiting: Int, updated: Int, missed: Int,
        createdBy: String, createdAtMilliseconds: Int64, closedBy: String?, closedAtMilliseconds: Int64?,
        closeReason: String?, activated: Bool
    ) {
        self.name = name
        self.status = status
        self.reason = reason
        self.ticket = ticket
        self.group = group
        self.referenceSet = referenceSet
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
        self.reboots = reboots
        self.waiting = waiting
        self.updated = updated
        self.missed = missed
        self.createdBy = createdBy
        self.createdAtMilliseconds = createdAtMilliseconds
        self.closedBy = closedBy
        self.closedAtMilliseconds = closedAtMilliseconds
        self.closeReason = closeReason
        self.activated = activated
    }
}

/// One node's part in a plan.
public struct PlanNodeView: Hashable, Sendable, Codable {
    public var plan: String
    public var nodeID: NodeID
    public var status: PlanNodeStatus
    /// `name@version` of the set that comes.
    public var referenceSet: String
    /// When it was updated, or missed the window.
    public var atMilliseconds: Int64?
    /// The verdict by which it was updated.
    public var verdictID: String?

    public init(
        plan: String, nodeID: NodeID, status: PlanNodeStatus, referenceSet: String, atMilliseconds: Int64?,
        verdictID: String?
    ) {
        self.plan = plan
        self.nodeID = nodeID
        self.status = status
        self.referenceSet = referenceSet
        self.atMilliseconds = atMilliseconds
        self.verdictID = verdictID
    }
}

/// `GET /v1/plans/{name}`: a plan with its nodes, by id.
public struct PlanDetail: Hashable, Sendable, Codable {
    public var plan: PlanView
    public var nodes: [PlanNodeView]
    public init(plan: PlanView, nodes: [PlanNodeView]) {
        self.plan = plan
        self.nodes = nodes
    }
}
