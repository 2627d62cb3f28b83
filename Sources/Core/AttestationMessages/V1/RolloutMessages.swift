/// How a staged activation stands.
public enum RolloutStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case open
    /// Every stage held: the set is active.
    case completed
    /// Stopped, by itself or by hand: the old set judges all again, and the new one is rejected.
    case halted
}

/// `POST /v1/references/{name}/{version}/rollout`: judge 1 % of the nodes by the set, then 10 %, then all.
public struct RolloutRequest: Hashable, Sendable, Codable {
    /// Hex; must be the stored one.
    public var documentSHA256: String
    public var reason: String
    public var ticket: String?
    /// As for an activation: nodes that may lose their pass by the preview, from another person than the proposer.
    public var acceptFailures: Int?
    /// Shortest time of each stage; nil for ``usualDwell``.
    public var dwellMilliseconds: Int64?

    /// Two attestation intervals as they are by default.
    public static let usualDwell: Int64 = 10 * 60_000
    public static let longestDwell: Int64 = 7 * 86_400_000

    public init(
        documentSHA256: String, reason: String, ticket: String? = nil, acceptFailures: Int? = nil,
        dwellMilliseconds: Int64? = nil
    ) {
        self.documentSHA256 = documentSHA256
        self.reason = reason
        self.ticket = ticket
        self.acceptFailures = acceptFailures
        self.dwellMilliseconds = dwellMilliseconds
    }
}

/// A staged activation. Times are milliseconds since 1970, the verifier's.
public struct RolloutView: Hashable, Sendable, Codable {
    public var name: String
    public var version: Int
    public var group: String
    public var status: RolloutStatus
    /// Share of the nodes that the new set judges in this stage: 1, 10 or 100.
    public var stagePercent: Int
    public var stageSinceMilliseconds: Int64
    public var dwellMilliseconds: Int64
    /// Nodes that the activation is about, and those of them that this stage judges by the new set.
    public var nodes: Int
    public var canaries: Int
    /// Canaries with a verdict by the new set.
    public var judged: Int
    /// Canaries that the new set fails and the active one would pass.
    public var newlyFailing: Int
    /// The first of them, by id; at most ``longestList``.
    public var failing: [NodeID]
    public var reason: String
    public var ticket: String?
    public var startedBy: String
    public var startedAtMilliseconds: Int64
    /// An operator's name, or `verifier`.
    public var endedBy: String?
    public var endedAtMilliseconds: Int64?
    public var endReason: String?

    public static let longestList = 100

    public init(
        name: String, version: Int, group: String, status: RolloutStatus, stagePercent: Int,
        stageSinceMilliseconds: Int64, dwellMilliseconds: Int64, nodes: Int, canaries: Int, judged: Int,
        newlyFailing: Int, failing: [NodeID], reason: String, ticket: String?, startedBy: String,
        startedAtMilliseconds: Int64, endedBy: String?, endedAtMilliseconds: Int64?, endReason: String?
    ) {
        self.name = name
        self.version = version
        self.group = group
        self.status = status
        self.stagePercent = stagePercent
        self.stageSinceMilliseconds = stageSinceMilliseconds
        self.dwellMilliseconds = dwellMilliseconds
        self.nodes = nodes
        self.canaries = canaries
        self.judged = judged
        self.newlyFailing = newlyFailing
        self.failing = failing
        self.reason = reason
        self.ticket = ticket
        self.startedBy = startedBy
        self.startedAtMilliseconds = startedAtMilliseconds
        self.endedBy = endedBy
        self.endedAtMilliseconds = endedAtMilliseconds
        self.endReason = endReason
    }
}

/// Answer to `POST /v1/references/{name}/rollout/halt`.
public struct RolloutHalt: Hashable, Sendable, Codable {
    public var rollout: RolloutView
    /// Canaries that failed only by the halted set: their evidence passes by the old one.
    public var cleared: [NodeID]
    /// Nodes whose fail stands.
    public var stillFailed: [NodeID]
    public init(rollout: RolloutView, cleared: [NodeID], stillFailed: [NodeID]) {
        self.rollout = rollout
        self.cleared = cleared
        self.stillFailed = stillFailed
    }
}
