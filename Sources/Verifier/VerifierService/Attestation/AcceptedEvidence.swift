internal import Appraisal
internal import AssetFingerprints
internal import AttestationMessages
internal import Crypto
internal import JSONCoding
internal import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

/// A submission on its way to a verdict: what was verified, what its logs are, and what the hot row becomes.
struct AcceptedEvidence: Sendable {
    let evidence: EvidenceCase
    let challenge: ChallengeRecord
    private(set) var submission: EvidenceSubmission
    let submissionSHA256: [UInt8]
    private(set) var verification: EvidenceVerification
    /// Nil where the measurement list is not judged, or was not sent.
    let measurementList: MeasurementListStretch?
    private(set) var identityFindings: [Finding]
    private(set) var state: AttestationStateRecord
    /// Of the log as it is judged; nil where none was sent.
    private(set) var eventLogSHA256: [UInt8]?
    private(set) var eventLog: [UInt8]?
    private(set) var reports: [FingerprintKind: [UInt8]] = [:]
    /// Register values that differ from the kept ones, to be kept with the state.
    private(set) var newRegisters: [UInt8]?
    /// Counters that moved since the last evidence, for the ledger; nil for evidence whose logs arrived later, because the
    /// row is written with the counters.
    private(set) var reboot: RebootRecord?
    private(set) var newBlobs: [(sha256: [UInt8], bytes: [UInt8])] = []
    private let maxEventLogSize: Int
    private let maxFingerprintSize: Int

    /// A new submission: its counters are judged against the last ones here, once.
    ///
    /// - Parameter explanation: who expected that the counters moved.
    init(
        evidence: EvidenceCase, challenge: ChallengeRecord, submission: EvidenceSubmission,
        submissionSHA256: [UInt8], verification: EvidenceVerification, explanation: RebootExplanation?,
        policy: VerifierPolicy
    ) throws {
        self.evidence = evidence
        self.challenge = challenge
        self.submission = submission
        self.submissionSHA256 = submissionSHA256
        self.verification = verification
        measurementList = try MeasurementListStretch(submission, evidence, verification.quote, policy)
        maxEventLogSize = policy.maxEventLogSize
        maxFingerprintSize = policy.maxFingerprintSize
        identityFindings = verification.findings
        state =
            evidence.state
            ?? AttestationStateRecord(akName: evidence.identity.akName, nodeID: evidence.node.nodeID)
        state.nodeID = evidence.node.nodeID
        guard verification.quote != nil else { return }
        eventLogSHA256 = submission.sha256(of: .eventLog)
        follow(policy, explanation)
    }

    /// Evidence whose logs arrived: layer 1 stands as it was found when the quote came.
    init(
        resuming pending: PendingEvidenceRecord, evidence: EvidenceCase, nodeKeySPKI: [UInt8], policy: VerifierPolicy,
        keptRegisters: (_ pcrDigest: [UInt8]) async throws -> [UInt8]?
    ) async throws {
        self.evidence = evidence
        challenge = pending.challenge
        submission = try StrictJSON.decode(EvidenceSubmission.self, from: pending.submission)
        submissionSHA256 = pending.submissionSHA256
        // Without memory: which log was uploaded is not known yet, and a boot is judged by its log.
        verification = try await EvidenceVerification(
            submission, evidence, challenge: pending.challenge, nodeKeySPKI: nodeKeySPKI, memory: nil,
            keptRegisters: keptRegisters)
        measurementList = try MeasurementListStretch(submission, evidence, verification.quote, policy)
        identityFindings = try StrictJSON.decode([Finding].self, from: pending.identityFindings)
        // The kept findings hold those of the first verification; a second one can only add to them.
        for finding in verification.findings where !identityFindings.contains(finding) {
            identityFindings.append(finding)
        }
        state =
            evidence.state
            ?? AttestationStateRecord(akName: evidence.identity.akName, nodeID: evidence.node.nodeID)
        eventLogSHA256 = pending.eventLogSHA256
        maxEventLogSize = 0
        maxFingerprintSize = 0
    }

    /// Continuity (QF-18 to QF-24, IM-11), and the counters as the next evidence is judged against.
    private mutating func follow(_ policy: VerifierPolicy, _ explanation: RebootExplanation?) {
        guard let quote = verification.quote else { return }
        let claims = verification.claims
        let present = BootRecord(
            clock: quote.clock, firmwareVersion: quote.firmwareVersion, bootID: claims?.bootID ?? "",
            agentRunID: claims?.agentRunID ?? "", firstBootID: "")
        let last = evidence.state.flatMap { state in
            state.counters.map { counters in
                BootRecord(
                    clock: TPMSClockInfo(
                        clock: counters.clock, resetCount: counters.resetCount, restartCount: counters.restartCount,
                        safe: counters.safe), firmwareVersion: counters.firmwareVersion, bootID: state.bootID ?? "",
                    agentRunID: state.agentRunID ?? "", firstBootID: state.firstBootID ?? "")
            }
        }
        let outcome = ContinuityCheck.check(
            present, after: last,
            rules: ContinuityCheck.Rules(
                inMaintenanceWindow: explanation != nil, deniedFirmware: policy.deniedTPMFirmware))
        identityFindings += outcome.findings
        note(quote, outcome, explanation)
        // A step back never lowers the line that the next evidence must continue (QF-23).
        if !outcome.findings.contains(where: { $0.id == ContinuityCheck.ID.rollback }) {
            state.counters = TPMCounters(
                clock: quote.clock.clock, resetCount: quote.clock.resetCount, restartCount: quote.clock.restartCount,
                safe: quote.clock.safe, firmwareVersion: quote.firmwareVersion)
            state.firstBootID = outcome.firstBootID
        }
        state.bootID = claims?.bootID
        state.agentRunID = claims?.agentRunID
        state.agentVersion = claims?.agentVersion
        state.allocatedBanks = verification.allocatedBanks
    }

    /// An announcement explains a boot; what no boot looks like, it does not (QF-19, QF-20, QF-21). A kernel without a reset
    /// is a row when it is first seen, not with each evidence that it goes on to send.
    private mutating func note(
        _ quote: VerifiedQuote, _ outcome: ContinuityCheck.Outcome, _ explanation: RebootExplanation?
    ) {
        guard let last = evidence.state, let before = last.counters else { return }
        let isOtherKernel =
            outcome.findings.contains { $0.id == ContinuityCheck.ID.bootWithoutReset }
            && verification.claims?.bootID != last.bootID
        guard verification.movesCounters(last) || isOtherKernel else { return }
        let contradicts = outcome.findings.contains { $0.tier == .contraindicated }
        reboot = RebootRecord(
            nodeID: evidence.node.nodeID, akName: evidence.identity.akName, before: before,
            after: TPMCounters(
                clock: quote.clock.clock, resetCount: quote.clock.resetCount, restartCount: quote.clock.restartCount,
                safe: quote.clock.safe, firmwareVersion: quote.firmwareVersion),
            lastEvidenceAtMilliseconds: last.lastVerdictAtMilliseconds, bootIDBefore: last.bootID,
            bootIDAfter: verification.claims?.bootID, verdictID: challenge.challengeID,
            explanation: contradicts ? nil : explanation, findings: outcome.findings.map(\.id))
    }

    // MARK: Logs

    /// Digests that the quote binds through the claims.
    var reportDigests: [FingerprintKind: [UInt8]] {
        verification.claims?.fingerprints.mapValues(\.sha256.bytes) ?? [:]
    }

    /// Whether the store has every log that the evidence names: `held`, or the one that the hot row holds on to.
    func isComplete(holding held: Set<[UInt8]>) -> Bool {
        measurementList?.part.isWhole != false
            && (eventLogSHA256.map { $0 == evidence.state?.eventLogSHA256 || held.contains($0) } ?? true)
            && reportDigests.values.allSatisfy(held.contains)
    }

    /// What the store lacks, by digest.
    ///
    /// - Throws: ``ServiceError`` for a log that is too large, or claimed without its size.
    func uploads(_ snapshot: any StoreSnapshot) throws -> [UploadRecord] {
        guard verification.quote != nil else { return [] }
        var uploads: [UploadRecord] = []
        func need(_ log: EvidenceLog, _ sha256: [UInt8], limit: Int) throws {
            guard sha256.count == 32 else {
                throw ServiceError(.invalid, "EVIDENCE_CLAIMS", "the digest of \(log) is no SHA-256")
            }
            guard try !snapshot.hasBlob(sha256: sha256) else { return }
            guard let summary = submission.logs.first(where: { $0.log == log.description }) else {
                throw ServiceError(.invalid, "EVIDENCE_CLAIMS", "no size of \(log)")
            }
            guard (1...limit).contains(summary.byteCount) else {
                throw ServiceError(.tooLarge, "EVIDENCE_SIZE", "\(log) of \(summary.byteCount) bytes")
            }
            uploads.append(
                UploadRecord(
                    evidenceID: challenge.challengeID, log: log.description, sha256: sha256,
                    byteCount: summary.byteCount, receivedCount: 0))
        }
        if let eventLogSHA256 { try need(.eventLog, eventLogSHA256, limit: maxEventLogSize) }
        for (kind, digest) in reportDigests.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            try need(.fingerprint(kind), digest, limit: maxFingerprintSize)
        }
        if let upload = measurementList?.upload(challenge.challengeID) { uploads.append(upload) }
        return uploads
    }

    /// Takes an uploaded log. A report that is not the claimed one contradicts layer 1: the quote binds the claim
    /// (AG-04). An event log is bound by its replay, whatever was announced.
    mutating func add(_ bytes: [UInt8], for upload: UploadRecord) {
        let digest = Array(SHA256.hash(data: bytes))
        switch EvidenceLog(upload.log) {
        case .eventLog:
            eventLog = bytes
            eventLogSHA256 = digest
        case .fingerprint(let kind):
            guard digest == upload.sha256 else {
                identityFindings.append(
                    Finding(
                        "FP_UNBOUND", .contraindicated, .tpmIdentity, name: kind.slug,
                        expected: Digest(algorithm: .sha256, bytes: upload.sha256)?.description,
                        seen: Digest(algorithm: .sha256, bytes: digest)?.description,
                        detail: "the uploaded report of \(kind.slug) is not the one that the quote binds"))
                return
            }
            reports[kind] = bytes
        // Read from the store piece by piece where it is judged.
        case .measurementList, nil: return
        }
        newBlobs.append((digest, bytes))
    }

    /// Reports that differ from the node's last ones of their kind. Unbound ones never enter the history.
    func newReports(_ snapshot: any StoreSnapshot) throws -> [FingerprintReportRecord] {
        guard let claims = verification.claims, !claims.fingerprints.isEmpty else { return [] }
        let current = try snapshot.currentFingerprints(of: evidence.node.nodeID)
        return try claims.fingerprints.compactMap { kind, claim in
            guard current.first(where: { $0.kind == kind })?.sha256 != claim.sha256.bytes,
                try snapshot.hasBlob(sha256: claim.sha256.bytes)
            else { return nil }
            return FingerprintReportRecord(
                nodeID: evidence.node.nodeID, kind: kind, sha256: claim.sha256.bytes,
                collectedAtMilliseconds: claim.collectedAtMilliseconds, receivedAtMilliseconds: snapshot.now)
        }
    }

    /// Ends a verification that waited for the measurement list.
    ///
    /// - Parameter registers: what the list says that the quote signed; nil where it does not say it.
    mutating func settle(_ registers: AttestedPCRs?) {
        guard case .unsettled(_, let findings) = verification.registers else { return }
        verification.registers = registers.map { .attested($0) }
        if registers == nil { identityFindings += findings }
    }

    /// Evidence that is judged with its measurement list is kept with the values that the quote signed: the kept ones move
    /// with the next files that the node runs. The list's bytes have their own place once the quote stands for them.
    mutating func keepRegisters(listIsStored: Bool) {
        guard case .attested(let pcrs) = verification.registers else { return }
        submission.pcrs = PCRValueCodec.wire(pcrs.values)
        if listIsStored { submission.measurementList = nil }
    }

    /// What complete evidence leaves in the hot row.
    mutating func finishState() {
        guard let registers = verification.registers else { return }
        state.eventLogSHA256 = eventLogSHA256
        guard case .attested(let pcrs) = registers, state.pcrDigest != pcrs.quote.pcrDigest.bytes else { return }
        state.pcrDigest = pcrs.quote.pcrDigest.bytes
        newRegisters = PCRValueCodec.encode(pcrs.values)
    }

    /// - Parameter kept: values that the submission left out and the verification did not need. They are written down:
    ///   others may be kept by the time the logs are here.
    func pendingRecord(kept: [UInt8]?, receivedAt: Int64, life: Int64) throws -> PendingEvidenceRecord {
        var stored = submission
        if stored.pcrs == nil {
            switch verification.registers {
            case .attested(let pcrs): stored.pcrs = PCRValueCodec.wire(pcrs.values)
            case .judged: stored.pcrs = kept.flatMap(PCRValueCodec.decode(stored:)).map(PCRValueCodec.wire)
            case .unsettled, nil: break
            }
        }
        return PendingEvidenceRecord(
            evidenceID: challenge.challengeID, nodeID: evidence.node.nodeID, akName: evidence.identity.akName,
            submission: try StrictJSON.encode(stored), submissionSHA256: submissionSHA256, challenge: challenge,
            identityFindings: try StrictJSON.encode(identityFindings), eventLogSHA256: eventLogSHA256,
            receivedAtMilliseconds: receivedAt, completeByMilliseconds: receivedAt + life)
    }
}

extension EvidenceSubmission {
    /// The digest that the node states of a log, if it holds one.
    func sha256(of log: EvidenceLog) -> [UInt8]? { logs.first { $0.log == log.description }?.sha256.bytes }
}
