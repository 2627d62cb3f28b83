internal import AttestationMessages
internal import Crypto

/// Everything stored that one submission is judged against, read in one snapshot.
struct EvidenceCase: Sendable {
    var node: NodeRecord
    var identity: IdentityRecord
    var keys: NodeKeys
    /// What judges the node: its group's active set, or the one of the plan under which it was updated.
    var policy: GroupPolicy
    var state: AttestationStateRecord?
    /// Read only where references judge it.
    var measurementList: MeasurementListRecord?
    /// The node's part in an open change plan.
    var planned: PlannedNode?
    /// Where a staged activation judges the node by its set already.
    var canary: CanaryNode?

    /// Whether two sets may have to look at the registers: what one of them found of this boot does not stand for the other.
    var hasTwoReferences: Bool { planned?.alternative != nil || canary?.isUnproven == true }
}

/// Names a submission by its bytes: a resend is the same evidence, whatever its logs and values.
enum SubmissionDigest {
    static func of(_ submission: EvidenceSubmission) -> [UInt8] {
        var hasher = SHA256()
        for part in [
            Array(submission.challengeID.utf8), submission.quote.bytes, submission.signature.bytes,
            submission.claims.bytes,
        ] {
            hasher.update(data: Array(SHA256.hash(data: part)))
        }
        return Array(hasher.finalize())
    }
}
