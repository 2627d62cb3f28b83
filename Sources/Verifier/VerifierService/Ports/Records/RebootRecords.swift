package import AttestationMessages

/// A row of the reboot ledger before the store gave it a number; see ``RebootView`` for its fields.
package struct RebootRecord: Hashable, Sendable {
    package var nodeID: NodeID
    package var akName: [UInt8]
    package var before: TPMCounters
    package var after: TPMCounters
    package var lastEvidenceAtMilliseconds: Int64?
    package var bootIDBefore: String?
    package var bootIDAfter: String?
    package var verdictID: String
    /// Nil where nobody explains it.
    package var explanation: RebootExplanation?
    package var findings: [String]

    package init(
        nodeID: NodeID, akName: [UInt8], before: TPMCounters, after: TPMCounters, lastEvidenceAtMilliseconds: Int64?,
        bootIDBefore: String?, bootIDAfter: String?, verdictID: String, explanation: RebootExplanation?,
        findings: [String]
    ) {
        self.nodeID = nodeID
        self.akName = akName
        self.before = before
        self.after = after
        self.lastEvidenceAtMilliseconds = lastEvidenceAtMilliseconds
        self.bootIDBefore = bootIDBefore
        self.bootIDAfter = bootIDAfter
        self.verdictID = verdictID
        self.explanation = explanation
        self.findings = findings
    }

    /// False for a kernel that was started without a reset of the TPM: the boot ids alone differ.
    package var movesCounters: Bool {
        before.resetCount != after.resetCount || before.restartCount != after.restartCount
    }

    /// Boots that brought no evidence: resets between the two readings, or restarts where no reset was. A reading that
    /// went back jumped over nothing that could be counted.
    package static func unseenBoots(before: (reset: UInt32, restart: UInt32), after: (reset: UInt32, restart: UInt32))
        -> UInt32
    {
        if after.reset > before.reset { return after.reset - before.reset - 1 }
        guard after.reset == before.reset, after.restart > before.restart else { return 0 }
        return after.restart - before.restart - 1
    }
}

/// Who or what expected a reboot.
package enum RebootExplanation: Hashable, Sendable {
    case plan(id: String, reason: String)
    case announced(by: String, reason: String)

    package var kind: RebootExplanationKind {
        switch self {
        case .plan: .plan
        case .announced: .operator
        }
    }
    package var explainedBy: String {
        switch self {
        case .plan(let id, _): id
        case .announced(let name, _): name
        }
    }
    package var reason: String {
        switch self {
        case .plan(_, let reason), .announced(_, let reason): reason
        }
    }
}

/// An operator's word that a node may reboot until a time. One for each node.
package struct ExpectedReboot: Hashable, Sendable {
    package var nodeID: NodeID
    package var untilMilliseconds: Int64
    package var reason: String
    package var announcedBy: String
    package var announcedAtMilliseconds: Int64

    package init(
        nodeID: NodeID, untilMilliseconds: Int64, reason: String, announcedBy: String, announcedAtMilliseconds: Int64
    ) {
        self.nodeID = nodeID
        self.untilMilliseconds = untilMilliseconds
        self.reason = reason
        self.announcedBy = announcedBy
        self.announcedAtMilliseconds = announcedAtMilliseconds
    }
}
