internal import AssetFingerprints
internal import AttestationMessages
internal import AttestingEnvironment
internal import ESAPI
internal import JSONCoding
internal import Logging
internal import TPMCryptography
internal import TPMStructures

/// Evidence for one challenge, with the bytes behind its summaries until they are uploaded.
struct CollectedEvidence: Sendable {
    var submission: EvidenceSubmission
    /// What each summary is about, by log name. The measurement list is read again where it is to be uploaded.
    var logs: [String: [UInt8]]
    /// The quote's signed digest of the registers.
    var pcrDigest: [UInt8]
}

/// Collects evidence in the order that the protocol wants: fingerprints, claims, quote, then registers and logs.
struct EvidenceCollector: Sendable {
    private let configuration: SessionConfiguration
    private let keys: NodeKeys
    private let inventory: any FingerprintCollecting
    private let agentRunID: String
    private let bootID: String
    private let logger: Logger
    private let measurementList: MeasurementListFile
    private var fingerprints = FingerprintCache()
    private var bootKey: CertifiedBoot?
    /// Signed digest of the last evidence of this run that passed: its register values need not be sent again.
    private var passedPCRDigest: [UInt8]?

    private struct CertifiedBoot {
        var claim: BootKeyClaim
        var resetCount: UInt32
        var restartCount: UInt32
    }

    init(
        configuration: SessionConfiguration, keys: NodeKeys, inventory: any FingerprintCollecting, agentRunID: String,
        bootID: String, logger: Logger
    ) {
        self.configuration = configuration
        self.keys = keys
        self.inventory = inventory
        self.agentRunID = agentRunID
        self.bootID = bootID
        self.logger = logger
        measurementList = MeasurementListFile(path: configuration.measurementListPath)
    }

    mutating func didPass(_ evidence: CollectedEvidence) { passedPCRDigest = evidence.pcrDigest }
    mutating func didNotPass() { passedPCRDigest = nil }

    mutating func collect(_ checked: CheckedChallenge) async throws -> CollectedEvidence {
        try await collectFingerprints(checked.challenge.fingerprintIntervals)
        var claims: [UInt8] = []
        var quote = try await makeQuote(checked, &claims)
        if !isCurrent(quote.attest) {
            // A TPM Reset or Restart since the boot key was certified: the counters must be the quote's.
            bootKey = nil
            quote = try await makeQuote(checked, &claims)
        }
        guard case .quote(let info) = quote.attest.attested else {
            throw SessionFailure(.device, code: "AGENT_TPM", message: "the TPM's quote is none")
        }
        let sendsPCRs = info.pcrDigest != passedPCRDigest
        let values = sendsPCRs ? try await keys.tpm.readPCRs(checked.selection) : nil
        let logs = readLogs()
        // After the quote: a list only grows, so that what the quote stands for is in it.
        let list = await readMeasurementList(from: checked.challenge.measurementListOffset)
        let submission = EvidenceSubmission(
            challengeID: checked.challenge.challengeID, quote: WireBytes(quote.signed.attest),
            signature: WireBytes(quote.signed.signature), claims: WireBytes(claims), pcrs: values.map(Self.hex),
            logs: logs.sorted { $0.key < $1.key }.map { name, bytes in
                LogSummary(log: name, byteCount: bytes.count, sha256: Self.sha256(bytes))
            }, measurementList: list)
        return CollectedEvidence(submission: submission, logs: logs, pcrDigest: info.pcrDigest)
    }

    // MARK: Measurement list

    /// - Returns: nil where the list is not wanted, or cannot be read: the verifier decides what that means.
    private func readMeasurementList(from offset: Int?) async -> MeasurementListPart? {
        guard let offset else { return nil }
        do throws(EnvironmentError) {
            let stretch = try await measurementList.stretch(
                from: offset, inlineLimit: MeasurementListPart.longestInline)
            return MeasurementListPart(offset: stretch.offset, end: stretch.end, bytes: WireBytes(stretch.bytes))
        } catch {
            logger.warning(
                "measurement list not read", metadata: ["code": "\(error.code.rawValue)", "reason": "\(error)"])
            return nil
        }
    }

    /// The same evidence with the list from another offset: nothing that the quote binds changes.
    func continuing(_ evidence: CollectedEvidence, from offset: Int) async -> CollectedEvidence {
        var evidence = evidence
        evidence.submission.measurementList = await readMeasurementList(from: offset)
        return evidence
    }

    /// What a part of the upload consists of.
    func bytes(of part: EvidenceUpload.Part, in evidence: CollectedEvidence) async throws(EnvironmentError) -> [UInt8] {
        if part.log == EvidenceLog.measurementList.description { return try await measurementList.read(part.range) }
        return evidence.logs[part.log].map { Array($0[part.range]) } ?? []
    }

    // MARK: Parts

    private mutating func collectFingerprints(_ intervals: [FingerprintKind: Int]) async throws {
        for kind in fingerprints.due(intervals, now: .now()) {
            do {
                fingerprints.store(try await inventory.collect(kind), kind, at: .now())
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // The older report, or none, goes on: the verifier sees its age.
                logger.warning(
                    "fingerprint not collected",
                    metadata: ["code": "AGENT_FINGERPRINT", "kind": "\(kind.slug)", "reason": "\(error)"])
            }
        }
    }

    private typealias Quote = (signed: SignedAttestation, attest: TPMSAttest)

    private mutating func makeQuote(_ checked: CheckedChallenge, _ claims: inout [UInt8]) async throws -> Quote {
        let boot: CertifiedBoot
        if let bootKey { boot = bootKey } else { boot = try await certifyBootKey() }
        bootKey = boot
        claims = try StrictJSON.encode(
            EvidenceClaims(
                nodeID: configuration.nodeID, challengeID: checked.challenge.challengeID, agentRunID: agentRunID,
                bootID: bootID, agentVersion: configuration.agentVersion,
                configurationDigest: WireBytes(configuration.configurationDigest),
                fingerprints: fingerprints.reports.mapValues { report in
                    FingerprintClaim(
                        sha256: Self.sha256(report.bytes), collectedAtMilliseconds: report.collectedAt.wall)
                }, bootKey: boot.claim))
        let signed = try await keys.tpm.quote(
            by: keys.attestation.handle, selection: checked.selection,
            qualifyingData: ProtocolBinding.evidence(nonce: checked.nonce, nodeKeySPKI: keys.nodeSPKI, claims: claims))
        return (signed, try TPMSAttest(marshalled: signed.attest))
    }

    private func isCurrent(_ quote: TPMSAttest) -> Bool {
        bootKey?.resetCount == quote.clockInfo.resetCount && bootKey?.restartCount == quote.clockInfo.restartCount
    }

    private func certifyBootKey() async throws -> CertifiedBoot {
        let certified = try await keys.tpm.certifyBootKey(
            by: keys.attestation.handle, qualifyingData: ProtocolBinding.bootKey(nodeKeySPKI: keys.nodeSPKI))
        let clock = try TPMSAttest(marshalled: certified.certification.attest).clockInfo
        return CertifiedBoot(
            claim: BootKeyClaim(
                publicArea: WireBytes(certified.publicArea),
                certifyInfo: WireBytes(certified.certification.attest),
                certifySignature: WireBytes(certified.certification.signature)),
            resetCount: clock.resetCount, restartCount: clock.restartCount)
    }

    /// A log that cannot be read is left out, and the verifier decides what its absence means.
    private func readLogs() -> [String: [UInt8]] {
        var logs: [String: [UInt8]] = [:]
        do {
            logs[EvidenceLog.eventLog.description] = try EvidenceSource.read(configuration.eventLogPath)
        } catch {
            logger.warning("log not read", metadata: ["code": "\(error.code.rawValue)", "reason": "\(error)"])
        }
        for (kind, report) in fingerprints.reports {
            logs[EvidenceLog.fingerprint(kind).description] = report.bytes
        }
        return logs
    }

    private static func sha256(_ bytes: [UInt8]) -> WireBytes { WireBytes(MessageDigest.hash(bytes, .sha256).bytes) }

    private static func hex(_ values: PCRValues) -> [String: [String: String]] {
        var banks: [String: [String: String]] = [:]
        for (bank, registers) in values.banks {
            for (index, digest) in registers { banks[bank.name, default: [:]][String(index.rawValue)] = digest.hex }
        }
        return banks
    }
}
