/// `GET /v1/references/{name}/{version}/preview`: what the last stored evidence of every node that the set would judge
/// says under it (RV-15).
public struct ReferencePreview: Hashable, Sendable, Codable {
    /// One node whose verdict would be another.
    public struct Flip: Hashable, Sendable, Codable {
        public var nodeID: NodeID
        public var before: Verdict
        public var after: Verdict
        public var firstBrokenLayer: String?
        public var reasons: [String]
        /// The first event, in log order, that the set does not know: register, index in the log, name, digests.
        public var pcr: Int?
        public var event: Int?
        public var name: String?
        public var expected: String?
        public var seen: String?

        public init(
            nodeID: NodeID, before: Verdict, after: Verdict, firstBrokenLayer: String?, reasons: [String], pcr: Int?,
            event: Int?, name: String?, expected: String?, seen: String?
        ) {
            self.nodeID = nodeID
            self.before = before
            self.after = after
            self.firstBrokenLayer = firstBrokenLayer
            self.reasons = reasons
            self.pcr = pcr
            self.event = event
            self.name = name
            self.expected = expected
            self.seen = seen
        }
    }

    public var name: String
    public var version: Int
    public var documentSHA256: String
    public var group: String
    /// Nodes whose evidence was appraised again.
    public var judged = 0
    public var unchanged = 0
    /// Nodes that pass now and would fail.
    public var passToFail = 0
    /// Nodes that pass now and could not be appraised.
    public var passToError = 0
    public var failToPass = 0
    public var errorToPass = 0
    /// Changes between fail and error.
    public var otherChanges = 0
    /// Nodes without evidence that could be appraised again: unknown, not good.
    public var withoutEvidence = 0
    /// The nodes that change, by id; at most ``longestList``, those that would lose their pass first.
    public var flips: [Flip] = []
    public var leftOut = 0

    public static let longestList = 500
    /// Above this share of newly failing nodes an activation is refused.
    public static let limitPercent = 10

    /// Nodes that would lose their pass.
    public var newlyFailing: Int { passToFail + passToError }
    public var exceedsLimit: Bool { newlyFailing * 100 > judged * Self.limitPercent }

    public init(name: String, version: Int, documentSHA256: String, group: String) {
        self.name = name
        self.version = version
        self.documentSHA256 = documentSHA256
        self.group = group
    }
}

/// `POST /v1/references/{name}/rollback`.
public struct ReferenceRollbackRequest: Hashable, Sendable, Codable {
    public var reason: String
    public var ticket: String?
    public init(reason: String, ticket: String?) {
        self.reason = reason
        self.ticket = ticket
    }
}

public struct ReferenceRollback: Hashable, Sendable, Codable {
    /// The version that was active, retired for ever.
    public var rolledBack: ReferenceView
    /// What its group is appraised against again.
    public var active: ReferenceView
    /// Nodes that failed only under the retired version: their evidence passes again.
    public var cleared: [NodeID]
    /// Nodes whose fail stands: their evidence does not pass under the restored version either, or is no longer kept.
    public var stillFailed: [NodeID]
    public init(rolledBack: ReferenceView, active: ReferenceView, cleared: [NodeID], stillFailed: [NodeID]) {
        self.rolledBack = rolledBack
        self.active = active
        self.cleared = cleared
        self.stillFailed = stillFailed
    }
}

/// One act in the life of a reference set: who, when, why.
public struct ReferenceHistoryEntry: Hashable, Sendable, Codable {
    public var name: String
    public var version: Int
    /// `draft`, `propose`, `approve`, `reject`, `activate`, `expire`, `rolled-back`, `restored`.
    public var act: String
    public var atMilliseconds: Int64
    public var by: String
    public var reason: String
    public var ticket: String?
    /// What besides: the accepted failures, the new end.
    public var note: String?
    public init(
        name: String, version: Int, act: String, atMilliseconds: Int64, by: String, reason: String, ticket: String?,
        note: String?
    ) {
        self.name = name
        self.version = version
        self.act = act
        self.atMilliseconds = atMilliseconds
        self.by = by
        self.reason = reason
        self.ticket = ticket
        self.note = note
    }
}
