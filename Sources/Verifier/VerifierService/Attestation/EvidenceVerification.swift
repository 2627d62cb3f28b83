internal import Appraisal
internal import AttestationMessages
internal import JSONCoding
internal import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

/// Layer 1 of one submission: signature, signer, nonce, key and selection, then the claims they bind, then the registers.
struct EvidenceVerification: Sendable {
    /// Nil where the quote did not verify: then nothing in the submission is known to be the node's.
    var quote: VerifiedQuote?
    var claims: EvidenceClaims?
    var registers: Registers?
    var allocatedBanks: [String] = []
    var bootKeySPKI: [UInt8]?
    var findings: [Finding] = []

    enum Registers: Sendable {
        /// Values that add up to the quote's digest.
        case attested(AttestedPCRs)
        /// The node left them out, and this boot was judged before: by values that add up to the same digest over the
        /// same selection. Neither reading nor adding them up again would tell anything new.
        case judged(BootAppraisal)
        /// Values that do not add up to the quote's digest. The kernel may have measured between the quote and the reading:
        /// the measurement list then tells what PCR 10 held. Without that the findings stand.
        case unsettled(read: PCRValues, findings: [Finding])
    }

    /// Only evidence whose signature and nonce verified, or a bad signature, sticks to a node.
    var isSticky: Bool {
        if quote != nil { return true }
        let codes = Set(findings.map(\.id))
        return codes.contains(QuoteCode.signature.rawValue) || !codes.contains(QuoteCode.nonce.rawValue)
    }

    /// - Parameters:
    ///   - nodeKeySPKI: the SPKI of this request's TLS certificate.
    ///   - memory: what was proved before; nil checks everything anew.
    ///   - keptRegisters: reads what ``EvidenceReading/keptRegisters(akName:pcrDigest:)`` has for a digest.
    /// - Throws: ``ServiceError`` of kind `invalid` for bytes that do not parse (the verdict is then no verdict), and
    ///   `EVIDENCE_PCRS` when the values are left out and the kept ones are not the quoted ones.
    init(
        _ submission: EvidenceSubmission, _ evidence: EvidenceCase, challenge: ChallengeRecord, nodeKeySPKI: [UInt8],
        memory: AppraisalMemory?, keptRegisters: (_ pcrDigest: [UInt8]) async throws -> [UInt8]?
    ) async throws {
        let unverified: UnverifiedQuote
        let signed: Set<PCRBank>
        do {
            unverified = try UnverifiedQuote(
                attest: submission.quote.bytes, signature: submission.signature.bytes)
            signed = try Self.signedBanks(submission.quote.bytes)
        } catch { throw ServiceError(.invalid, "QUOTE_MALFORMED", "\(error)") }
        let known = evidence.state?.allocatedBanks.map { Set($0.compactMap(PCRBank.init(rawValue:))) }
        let expectation = QuoteExpectation(
            extraData: ProtocolBinding.evidence(
                nonce: challenge.nonce, nodeKeySPKI: nodeKeySPKI, claims: submission.claims.bytes),
            selection: challenge.selection.limited(toAllocated: known ?? signed), signers: evidence.keys.signers)
        let quote: VerifiedQuote
        do throws(QuoteRefusal) {
            quote = try unverified.verify(with: evidence.keys.attestation, expecting: expectation)
        } catch {
            findings = Self.findings(error)
            return
        }
        self.quote = quote
        allocatedBanks = (known ?? signed).map(\.rawValue).sorted()
        try readClaims(submission, evidence)
        let eventLogSHA256 = submission.sha256(of: .eventLog)
        if submission.pcrs == nil, !evidence.wantsMeasurementList,
            evidence.state?.pcrDigest == quote.pcrDigest.bytes,
            let boot = memory?.boots[JudgedBoot(quote, eventLogSHA256: eventLogSHA256, evidence.policy)]
        {
            registers = .judged(boot)
        } else {
            try await attest(submission, quote, evidence, keptRegisters)
        }
        verifyBootKey(evidence, quote, nodeKeySPKI, memory)
    }

    private mutating func readClaims(_ submission: EvidenceSubmission, _ evidence: EvidenceCase) throws {
        let claims: EvidenceClaims
        do throws(StrictJSONError) {
            claims = try StrictJSON.decode(EvidenceClaims.self, from: submission.claims.bytes)
        } catch { throw ServiceError(.invalid, "EVIDENCE_CLAIMS", "\(error)") }
        self.claims = claims
        if claims.nodeID != evidence.node.nodeID || claims.challengeID != submission.challengeID {
            findings.append(
                Finding(
                    "API_IDENTITY", .contraindicated, .tpmIdentity,
                    expected: "\(evidence.node.nodeID), \(submission.challengeID)",
                    seen: "\(claims.nodeID), \(claims.challengeID)", detail: "the claims name another node or challenge"
                ))
        }
    }

    private mutating func attest(
        _ submission: EvidenceSubmission, _ quote: VerifiedQuote, _ evidence: EvidenceCase,
        _ keptRegisters: ([UInt8]) async throws -> [UInt8]?
    ) async throws {
        let values: PCRValues
        if let wire = submission.pcrs {
            guard let decoded = PCRValueCodec.decode(wire: wire) else {
                throw ServiceError(.invalid, "EVIDENCE_PCRS", "the register values do not read")
            }
            values = decoded
        } else {
            guard evidence.state?.pcrDigest == quote.pcrDigest.bytes,
                let stored = try await keptRegisters(quote.pcrDigest.bytes),
                let decoded = PCRValueCodec.decode(stored: stored)
            else {
                throw ServiceError(.invalid, "EVIDENCE_PCRS", "no register values, and none kept for this digest")
            }
            values = decoded
        }
        do throws(QuoteRefusal) { registers = .attested(try quote.attest(values)) } catch {
            if evidence.wantsMeasurementList, submission.measurementList != nil {
                registers = .unsettled(read: values, findings: Self.findings(error))
            } else {
                findings += Self.findings(error)
            }
        }
    }

    /// A boot key whose certification is of another boot is left unused; one that does not verify contradicts layer 1.
    private mutating func verifyBootKey(
        _ evidence: EvidenceCase, _ quote: VerifiedQuote, _ nodeKeySPKI: [UInt8], _ memory: AppraisalMemory?
    ) {
        guard let claim = claims?.bootKey else { return }
        let identity = evidence.identity.identityID
        let key: CertifiedBootKey
        if let known = memory?.bootKeys[identity], known.isMade(of: claim, nodeKeySPKI: nodeKeySPKI) {
            key = known
        } else {
            do throws(CertificationRefusal) {
                key = try CertifiedBootKey(claim, nodeKeySPKI: nodeKeySPKI, keys: evidence.keys)
            } catch {
                findings += error.reasons.map {
                    Finding($0.code.rawValue, .contraindicated, .tpmIdentity, detail: "boot key: \($0.detail)")
                }
                return
            }
            memory?.bootKeys.insert(key, for: identity)
        }
        guard key.resetCount == quote.clock.resetCount, key.restartCount == quote.clock.restartCount else { return }
        bootKeySPKI = key.spki
    }

    private static func findings(_ refusal: QuoteRefusal) -> [Finding] {
        refusal.reasons.map { Finding($0.code.rawValue, .contraindicated, .tpmIdentity, detail: $0.detail) }
    }

    /// Banks that the quote shows as allocated; the expectation made of them still refuses any that is not whole.
    private static func signedBanks(_ quote: [UInt8]) throws -> Set<PCRBank> {
        guard let attest = try? TPMSAttest(marshalled: quote), case .quote(let info) = attest.attested else {
            return []
        }
        return Set(info.pcrSelect.selections.filter { !$0.pcrs.isEmpty }.map(\.bank))
    }
}
