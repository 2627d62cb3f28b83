package import AssetFingerprints
package import AttestationMessages
package import TPMStructures

/// What was sent to a would-be node and what its answer must match. The secret itself is not kept.
package struct EnrollmentChallengeRecord: Hashable, Sendable {
    package var enrollmentID: String
    package var nodeID: NodeID
    /// TLS key of the peer: only it may answer (ID-18).
    package var peerSPKI: [UInt8]
    package var source: String
    package var transcript: [UInt8]
    /// HMAC-SHA-256(secret, transcript).
    package var expectedProof: [UInt8]
    package var ekPublic: [UInt8]
    package var ekCertificates: [[UInt8]]
    package var akPublic: [UInt8]
    package var nodeKeyPublic: [UInt8]
    package var platform: PlatformIdentity
    /// The request named the right token of the manifest entry; it is consumed at the activation.
    package var tokenPresented: Bool
    package var triesLeft: Int
    package var expiresAtMilliseconds: Int64

    package init(
        enrollmentID: String, nodeID: NodeID, peerSPKI: [UInt8], source: String, transcript: [UInt8],
        expectedProof: [UInt8], ekPublic: [UInt8], ekCertificates: [[UInt8]], akPublic: [UInt8], nodeKeyPublic: [UInt8],
        platform: PlatformIdentity, tokenPresented: Bool, triesLeft: Int, expiresAtMilliseconds: Int64
    ) {
        self.enrollmentID = enrollmentID
        self.nodeID = nodeID
        self.peerSPKI = peerSPKI
        self.source = source
        self.transcript = transcript
        self.expectedProof = expectedProof
        self.ekPublic = ekPublic
        self.ekCertificates = ekCertificates
        self.akPublic = akPublic
        self.nodeKeyPublic = nodeKeyPublic
        self.platform = platform
        self.tokenPresented = tokenPresented
        self.triesLeft = triesLeft
        self.expiresAtMilliseconds = expiresAtMilliseconds
    }
}

/// The one challenge a node has; the row is replaced by the next.
package struct ChallengeRecord: Hashable, Sendable {
    package var challengeID: String
    package var nodeID: NodeID
    package var akName: [UInt8]
    package var nonce: [UInt8]
    package var selection: TPMLPCRSelection
    package var issuedAtMilliseconds: Int64
    package var expiresAtMilliseconds: Int64
    /// The verifier's start that issued it: open challenges are void after a restart.
    package var epoch: Int64
    /// SHA-256 of the submission that used it; nil while it is open.
    package var consumedBySHA256: [UInt8]?

    package init(
        challengeID: String, nodeID: NodeID, akName: [UInt8], nonce: [UInt8], selection: TPMLPCRSelection,
        issuedAtMilliseconds: Int64, expiresAtMilliseconds: Int64, epoch: Int64, consumedBySHA256: [UInt8]?
    ) {
        self.challengeID = challengeID
        self.nodeID = nodeID
        self.akName = akName
        self.nonce = nonce
        self.selection = selection
        self.issuedAtMilliseconds = issuedAtMilliseconds
        self.expiresAtMilliseconds = expiresAtMilliseconds
        self.epoch = epoch
        self.consumedBySHA256 = consumedBySHA256
    }
}

/// Counters of TPMS_CLOCK_INFO as an AK last signed them.
package struct TPMCounters: Hashable, Sendable {
    package var clock: UInt64
    package var resetCount: UInt32
    package var restartCount: UInt32
    package var safe: Bool
    package var firmwareVersion: UInt64

    package init(clock: UInt64, resetCount: UInt32, restartCount: UInt32, safe: Bool, firmwareVersion: UInt64) {
        self.clock = clock
        self.resetCount = resetCount
        self.restartCount = restartCount
        self.safe = safe
        self.firmwareVersion = firmwareVersion
    }
}

/// The hot row of an AK: what each attestation reads and writes. Kept when the node goes, so that counters never fall.
package struct AttestationStateRecord: Hashable, Sendable {
    package var akName: [UInt8]
    package var nodeID: NodeID
    package var counters: TPMCounters?
    /// As the last evidence said.
    package var bootID: String?
    /// As the first evidence since the counters last moved said: another kernel than this one was not measured (IM-11).
    package var firstBootID: String?
    package var agentRunID: String?
    package var agentVersion: String?
    package var eventLogSHA256: [UInt8]?
    /// The signed pcrDigest of the last completed appraisal; its values are kept beside
    /// (``EvidenceReading/keptRegisters(akName:pcrDigest:)``).
    package var pcrDigest: [UInt8]?
    /// Banks that the first evidence showed as allocated; later quotes must show the same (QF-05).
    package var allocatedBanks: [String]?
    package var lastVerdictID: String?
    package var lastVerdict: Verdict?
    package var lastVerdictAtMilliseconds: Int64?
    /// Issue time of the nonce of the last pass: evidence ages from here.
    package var lastPassIssuedAtMilliseconds: Int64?
    package var lastPassVerdictID: String?
    /// The verdict that holds the result in full; equal to `lastVerdictID` unless nothing changed since.
    package var resultVerdictID: String?
    /// SHA-256 over what the last result said, to see that nothing changed.
    package var resultDigest: [UInt8]?
    /// DER SubjectPublicKeyInfo of the boot key that the last pass certified.
    package var bootKeySPKI: [UInt8]?
    /// EAR tier by layer, reference set (`name@version`) and lab mode of the last completed appraisal.
    package var tiers: LayerTiers
    package var referenceSet: String?
    package var labMode: Bool

    package init(
        akName: [UInt8], nodeID: NodeID, counters: TPMCounters? = nil, bootID: String? = nil,
        firstBootID: String? = nil, agentRunID: String? = nil, agentVersion: String? = nil,
        eventLogSHA256: [UInt8]? = nil, pcrDigest: [UInt8]? = nil, allocatedBanks: [String]? = nil,
        lastVerdictID: String? = nil,
        lastVerdict: Verdict? = nil, lastVerdictAtMilliseconds: Int64? = nil,
        lastPassIssuedAtMilliseconds: Int64? = nil, lastPassVerdictID: String? = nil, resultVerdictID: String? = nil,
        resultDigest: [UInt8]? = nil, bootKeySPKI: [UInt8]? = nil, tiers: LayerTiers = LayerTiers([:]),
        referenceSet: String? = nil, labMode: Bool = false
    ) {
        self.akName = akName
        self.nodeID = nodeID
        self.counters = counters
        self.bootID = bootID
        self.firstBootID = firstBootID
        self.agentRunID = agentRunID
        self.agentVersion = agentVersion
        self.eventLogSHA256 = eventLogSHA256
        self.pcrDigest = pcrDigest
        self.allocatedBanks = allocatedBanks
        self.lastVerdictID = lastVerdictID
        self.lastVerdict = lastVerdict
        self.lastVerdictAtMilliseconds = lastVerdictAtMilliseconds
        self.lastPassIssuedAtMilliseconds = lastPassIssuedAtMilliseconds
        self.lastPassVerdictID = lastPassVerdictID
        self.resultVerdictID = resultVerdictID
        self.resultDigest = resultDigest
        self.bootKeySPKI = bootKeySPKI
        self.tiers = tiers
        self.referenceSet = referenceSet
        self.labMode = labMode
    }
}

/// Evidence whose quote is verified and whose logs are still being uploaded.
package struct PendingEvidenceRecord: Hashable, Sendable {
    package var evidenceID: String
    package var nodeID: NodeID
    package var akName: [UInt8]
    /// ``EvidenceSubmission`` as JSON.
    package var submission: [UInt8]
    package var submissionSHA256: [UInt8]
    package var challenge: ChallengeRecord
    /// What layer 1 found when the quote was verified, as JSON: the counters it was judged against are gone by now.
    package var identityFindings: [UInt8]
    package var eventLogSHA256: [UInt8]?
    package var receivedAtMilliseconds: Int64
    package var completeByMilliseconds: Int64

    package init(
        evidenceID: String, nodeID: NodeID, akName: [UInt8], submission: [UInt8], submissionSHA256: [UInt8],
        challenge: ChallengeRecord, identityFindings: [UInt8], eventLogSHA256: [UInt8]?, receivedAtMilliseconds: Int64,
        completeByMilliseconds: Int64
    ) {
        self.evidenceID = evidenceID
        self.nodeID = nodeID
        self.akName = akName
        self.submission = submission
        self.submissionSHA256 = submissionSHA256
        self.challenge = challenge
        self.identityFindings = identityFindings
        self.eventLogSHA256 = eventLogSHA256
        self.receivedAtMilliseconds = receivedAtMilliseconds
        self.completeByMilliseconds = completeByMilliseconds
    }
}

/// One log that a pending evidence needs.
package struct UploadRecord: Hashable, Sendable {
    package var evidenceID: String
    package var log: String
    package var sha256: [UInt8]
    package var byteCount: Int
    /// Bytes held so far: the only offset at which more are taken.
    package var receivedCount: Int

    package init(evidenceID: String, log: String, sha256: [UInt8], byteCount: Int, receivedCount: Int) {
        self.evidenceID = evidenceID
        self.log = log
        self.sha256 = sha256
        self.byteCount = byteCount
        self.receivedCount = receivedCount
    }
}

/// One appraisal's outcome. `result` is nil for a pass that changed nothing: then `sameAs` names the row that holds it.
package struct VerdictRecord: Hashable, Sendable {
    package var verdictID: String
    package var nodeID: NodeID
    package var akName: [UInt8]
    package var verdict: Verdict
    package var atMilliseconds: Int64
    /// Issue time of the nonce.
    package var issuedAtMilliseconds: Int64
    package var firstBrokenLayer: String?
    package var reasons: [String]
    /// `name@version`.
    package var referenceSet: String?
    package var submissionSHA256: [UInt8]
    package var resetCount: UInt32
    package var restartCount: UInt32
    /// The attestation result as JSON.
    package var result: [UInt8]?
    package var sameAs: String?
    /// ``EvidenceSubmission`` as JSON, kept for fails and for each node's last full pass.
    package var evidence: [UInt8]?
    package var eventLogSHA256: [UInt8]?

    package var summary: VerdictSummary {
        VerdictSummary(
            verdictID: verdictID, verdict: verdict, atMilliseconds: atMilliseconds,
            firstBrokenLayer: firstBrokenLayer, reasons: reasons, referenceSet: referenceSet)
    }

    package init(
        verdictID: String, nodeID: NodeID, akName: [UInt8], verdict: Verdict, atMilliseconds: Int64,
        issuedAtMilliseconds: Int64, firstBrokenLayer: String?, reasons: [String], referenceSet: String?,
        submissionSHA256: [UInt8], resetCount: UInt32, restartCount: UInt32, result: [UInt8]?, sameAs: String?,
        evidence: [UInt8]?, eventLogSHA256: [UInt8]?
    ) {
        self.verdictID = verdictID
        self.nodeID = nodeID
        self.akName = akName
        self.verdict = verdict
        self.atMilliseconds = atMilliseconds
        self.issuedAtMilliseconds = issuedAtMilliseconds
        self.firstBrokenLayer = firstBrokenLayer
        self.reasons = reasons
        self.referenceSet = referenceSet
        self.submissionSHA256 = submissionSHA256
        self.resetCount = resetCount
        self.restartCount = restartCount
        self.result = result
        self.sameAs = sameAs
        self.evidence = evidence
        self.eventLogSHA256 = eventLogSHA256
    }
}

/// A fingerprint report as it was first seen; its canonical bytes are the blob of that digest.
package struct FingerprintReportRecord: Hashable, Sendable {
    package var nodeID: NodeID
    package var kind: FingerprintKind
    package var sha256: [UInt8]
    /// By the node's clock; never decides.
    package var collectedAtMilliseconds: Int64
    package var receivedAtMilliseconds: Int64

    package init(
        nodeID: NodeID, kind: FingerprintKind, sha256: [UInt8], collectedAtMilliseconds: Int64,
        receivedAtMilliseconds: Int64
    ) {
        self.nodeID = nodeID
        self.kind = kind
        self.sha256 = sha256
        self.collectedAtMilliseconds = collectedAtMilliseconds
        self.receivedAtMilliseconds = receivedAtMilliseconds
    }
}
