/// A proposed override admits nobody; an ended one never comes back.
public enum OverrideStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case proposed, active, ended
}

/// `POST /v1/admissions/{id}/overrides`: admit a node for a while in spite of its evidence. Another person approves it.
public struct OverrideProposal: Hashable, Sendable, Codable {
    public var reason: String
    /// Milliseconds since 1970 by the verifier's clock; at most 24 h ahead.
    public var untilMilliseconds: Int64
    public init(reason: String, untilMilliseconds: Int64) {
        self.reason = reason
        self.untilMilliseconds = untilMilliseconds
    }
}

/// `POST /v1/admissions/{id}/overrides/{overrideID}/{approve,end}`.
public struct OverrideActRequest: Hashable, Sendable, Codable {
    public var reason: String
    public init(reason: String) { self.reason = reason }
}

/// An admission override: who asked, who agreed, and when it ends. Times are milliseconds since 1970, the verifier's.
public struct OverrideView: Hashable, Sendable, Codable {
    public var overrideID: String
    public var nodeID: NodeID
    /// Hex of the name of the AK that the override is bound to; another AK under the node id is not admitted by it.
    public var akName: String
    /// Bound to this site, too.
    public var site: String?
    public var status: OverrideStatus
    public var reason: String
    public var untilMilliseconds: Int64
    public var proposedBy: String
    public var proposedAtMilliseconds: Int64
    public var approvedBy: String?
    public var approvedAtMilliseconds: Int64?
    /// An operator's name, or `verifier` when time ran out.
    public var endedBy: String?
    public var endedAtMilliseconds: Int64?
    /// True when one person did both in lab mode.
    public var labMode: Bool
    /// JWT (ES256, the keys of `/.well-known/jwks.json`) for consumers that cannot reach the verifier: holds to the
    /// override's end, for this AK name, node and site. Only while active, in the answer to an approval and of an
    /// admission; not in lists.
    public var token: String?

    public init(
        overrideID: String, nodeID: NodeID, akName: String, site: String?, status: OverrideStatus, reason: String,
        untilMilliseconds: Int64, proposedBy: String, proposedAtMilliseconds: Int64, approvedBy: String?,
        approvedAtMilliseconds: Int64?, endedBy: String?, endedAtMilliseconds: Int64?, labMode: Bool,
        token: String? = nil
    ) {
        self.overrideID = overrideID
        self.nodeID = nodeID
        self.akName = akName
        self.site = site
        self.status = status
        self.reason = reason
        self.untilMilliseconds = untilMilliseconds
        self.proposedBy = proposedBy
        self.proposedAtMilliseconds = proposedAtMilliseconds
        self.approvedBy = approvedBy
        self.approvedAtMilliseconds = approvedAtMilliseconds
        self.endedBy = endedBy
        self.endedAtMilliseconds = endedAtMilliseconds
        self.labMode = labMode
        self.token = token
    }
}
