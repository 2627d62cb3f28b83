/// What explains that a node's TPM counters moved.
public enum RebootExplanationKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// A change plan; `explainedBy` is its id.
    case plan
    /// An operator announced it (`bootgate node reboot-expected`), or the verifier's maintenance window was open.
    case `operator`
    case unexplained
}

/// One row of the reboot ledger, `GET /v1/nodes/{id}/boots`: the counters of two successive pieces of evidence differed, or the
/// boot ids alone did: then another kernel was started and the TPM not reset. Times are milliseconds since 1970 by the verifier's clock. Counters are the TPM's signed word; boot ids are the agent's.
public struct RebootView: Hashable, Sendable, Codable {
    /// Rises with time over all nodes.
    public var number: Int64
    public var nodeID: NodeID
    /// When the first evidence after the change arrived.
    public var seenAtMilliseconds: Int64
    public var resetCountBefore: UInt32
    public var restartCountBefore: UInt32
    public var resetCountAfter: UInt32
    public var restartCountAfter: UInt32
    /// Resets (or, within one reset, restarts) that brought no evidence at all: the counters jumped over them.
    public var unseenBoots: UInt32
    /// The last verdict before; nil where there was none.
    public var lastEvidenceAtMilliseconds: Int64?
    /// From the last evidence before to the first after: nobody knows what ran in this time.
    public var withoutEvidenceMilliseconds: Int64?
    public var bootIDBefore: String?
    public var bootIDAfter: String?
    /// The verdict of the first evidence after the change.
    public var verdictID: String
    public var explanation: RebootExplanationKind
    /// The plan's id, or who announced it.
    public var explainedBy: String?
    public var reason: String?
    /// What counters and boot ids themselves say: `BOOT_NEW`, `BOOT_UNEXPECTED`, `QUOTE_RESTART`, `BOOT_WITHOUT_RESET`, ….
    public var findings: [String]

    public init(
        number: Int64, nodeID: NodeID, seenAtMilliseconds: Int64, resetCountBefore: UInt32, restartCountBefore: UInt32,
        resetCountAfter: UInt32, restartCountAfter: UInt32, unseenBoots: UInt32, lastEvidenceAtMilliseconds: Int64?,
        withoutEvidenceMilliseconds: Int64?, bootIDBefore: String?, bootIDAfter: String?, verdictID: String,
        explanation: RebootExplanationKind, explainedBy: String?, reason: String?, findings: [String]
    ) {
        self.number = number
        self.nodeID = nodeID
        self.seenAtMilliseconds = seenAtMilliseconds
        self.resetCountBefore = resetCountBefore
        self.restartCountBefore = restartCountBefore
        self.resetCountAfter = resetCountAfter
        self.restartCountAfter = restartCountAfter
        self.unseenBoots = unseenBoots
        self.lastEvidenceAtMilliseconds = lastEvidenceAtMilliseconds
        self.withoutEvidenceMilliseconds = withoutEvidenceMilliseconds
        self.bootIDBefore = bootIDBefore
        self.bootIDAfter = bootIDAfter
        self.verdictID = verdictID
        self.explanation = explanation
        self.explainedBy = explainedBy
        self.reason = reason
        self.findings = findings
    }

    /// Another kernel was started, and the TPM not reset: the boot ids alone differ.
    public var isWithoutReset: Bool {
        resetCountBefore == resetCountAfter && restartCountBefore == restartCountAfter
    }
}

/// `GET /v1/nodes/{id}/explanation?with=VERDICT`: what is wrong with a node, what changed since it was good, and who else
/// shows the same.
public struct NodeExplanationView: Sendable, Codable {
    public var nodeID: NodeID
    /// The verdict that is explained: the last one, or the fail that still stands where a pass came after it.
    public var verdict: VerdictSummary?
    /// The fail that stuck, which `node clear` must name: of a node that failed again it is not the explained one. Nil where
    /// nothing is to be cleared.
    public var verdictToClear: String?
    /// The last pass before it, or the verdict that the call named.
    public var lastGood: VerdictSummary?
    /// The first verdict after the last pass.
    public var brokenSince: VerdictSummary?
    /// `changes`, `causes`, `changedRegisters`, `bank`, `same`: as `bootgate inspect eventlog --diff -o json` prints them.
    public var comparison: JSONValue?
    /// Why there is no comparison.
    public var comparisonMissing: String?
    /// Failed nodes whose failed verdict has a finding of the same id that saw the same; at most 32, by id.
    public var sameElsewhere: [NodeID]
    /// More nodes show it than are listed.
    public var sameElsewhereTruncated: Bool
    public var lastReboot: RebootView?
    /// In which registers the node stands alone among its peers, when they were last compared in this boot.
    public var peers: String?
    /// The node's part in an open change plan.
    public var plan: PlanNodeView?

    public init(
        nodeID: NodeID, verdict: VerdictSummary?, lastGood: VerdictSummary?, brokenSince: VerdictSummary?,
        comparison: JSONValue?, comparisonMissing: String?, sameElsewhere: [NodeID], sameElsewhereTruncated: Bool,
        lastReboot: RebootView?, plan: PlanNodeView? = nil, peers: String? = nil, verdictToClear: String? = nil
    ) {
        self.nodeID = nodeID
        self.verdict = verdict
        self.verdictToClear = verdictToClear
        self.lastGood = lastGood
        self.brokenSince = brokenSince
        self.comparison = comparison
        self.comparisonMissing = comparisonMissing
        self.sameElsewhere = sameElsewhere
        self.sameElsewhereTruncated = sameElsewhereTruncated
        self.lastReboot = lastReboot
        self.peers = peers
        self.plan = plan
    }
}
