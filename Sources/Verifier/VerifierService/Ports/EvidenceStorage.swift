package import AssetFingerprints
package import AttestationMessages

package protocol EvidenceReading {
    func enrollmentChallenge(_ id: String) throws -> EnrollmentChallengeRecord?
    func challenge(of node: NodeID) throws -> ChallengeRecord?
    func attestationState(akName: [UInt8]) throws -> AttestationStateRecord?
    /// The values (``PCRValueCodec``) that were kept of the AK's last completed appraisal, if they make this digest.
    func keptRegisters(akName: [UInt8], pcrDigest: [UInt8]) throws -> [UInt8]?
    func pendingEvidence(_ id: String) throws -> PendingEvidenceRecord?
    func pendingEvidence(of node: NodeID) throws -> PendingEvidenceRecord?
    /// Uploads whose time is over.
    func overduePendingEvidence(limit: Int) throws -> [PendingEvidenceRecord]
    func uploads(of evidenceID: String) throws -> [UploadRecord]
    /// The bytes that were uploaded so far, in order.
    func uploadedBytes(of evidenceID: String, log: String) throws -> [UInt8]
    func blob(sha256: [UInt8]) throws -> [UInt8]?
    func hasBlob(sha256: [UInt8]) throws -> Bool
    func verdict(_ id: String) throws -> VerdictRecord?
    /// Newest first, older than the verdict `cursor`.
    func verdicts(of node: NodeID, before cursor: String?, limit: Int) throws -> [VerdictRecord]
    /// The newest pass that is older than the given verdict.
    func lastPass(of node: NodeID, before verdictID: String) throws -> VerdictRecord?
    /// The oldest verdict that is newer than the given one; without one, the node's first.
    func firstVerdict(of node: NodeID, after verdictID: String?) throws -> VerdictRecord?
    /// Verdicts that made other nodes fail and whose stored result holds these bytes; by node, at most `limit`.
    func failedVerdicts(except node: NodeID, holding bytes: [UInt8], limit: Int) throws -> [VerdictRecord]
    /// The last report of each kind.
    func currentFingerprints(of node: NodeID) throws -> [FingerprintReportRecord]
    /// Newest first, received before `cursor` (milliseconds).
    func fingerprintHistory(
        of node: NodeID, kind: FingerprintKind, before cursor: Int64?, limit: Int
    ) throws -> [FingerprintReportRecord]
}

package protocol EvidenceWriting {
    func save(_ challenge: EnrollmentChallengeRecord) throws
    /// One row update that lowers the tries; false when none were left (or the challenge is gone).
    func spendTry(ofEnrollment id: String) throws -> Bool
    func deleteEnrollmentChallenge(_ id: String) throws
    /// Replaces the node's challenge: the older one is void from here.
    func save(_ challenge: ChallengeRecord) throws
    /// One row update: true for exactly one caller, and only while the challenge is open, of this epoch, and in time.
    func consume(_ challenge: ChallengeRecord, submissionSHA256: [UInt8]) throws -> Bool
    func voidChallenge(of node: NodeID) throws
    func save(_ state: AttestationStateRecord) throws
    /// Replaces the AK's kept values.
    func keep(registers: [UInt8], akName: [UInt8], pcrDigest: [UInt8]) throws
    func insert(_ evidence: PendingEvidenceRecord, uploads: [UploadRecord]) throws
    /// Appends at the open offset.
    /// - Returns: the upload's new state; nil when `offset` is not the open one or the bytes would pass its end.
    func append(_ bytes: [UInt8], at offset: Int, to evidenceID: String, log: String) throws -> UploadRecord?
    /// Deletes the evidence with its uploads; false when it was gone already.
    func deletePendingEvidence(_ id: String) throws -> Bool
    /// Stores bytes once under their digest.
    func saveBlob(_ bytes: [UInt8], sha256: [UInt8]) throws
    func insert(_ verdict: VerdictRecord) throws
    /// Drops the evidence, not the result, that an older verdict kept.
    func forgetEvidence(ofVerdict id: String) throws
    func insert(_ report: FingerprintReportRecord) throws
    /// Removes what has served its time: expired enrollment challenges, finished uploads, pending nodes past their
    /// term, unreferenced blobs, and what is older than the retention keeps. Never the audit chain.
    func purge(_ retention: Retention) throws
}

/// How much history stays. Ages in milliseconds.
package struct Retention: Hashable, Sendable {
    package var passVerdictAge: Int64
    package var failVerdictAge: Int64
    package var fingerprintReportsPerKind: Int

    package init(
        passVerdictAge: Int64 = 90 * 86_400_000, failVerdictAge: Int64 = 730 * 86_400_000,
        fingerprintReportsPerKind: Int = 200
    ) {
        self.passVerdictAge = passVerdictAge
        self.failVerdictAge = failVerdictAge
        self.fingerprintReportsPerKind = fingerprintReportsPerKind
    }
}
