internal import Appraisal
internal import AttestationMessages
internal import JSONCoding
internal import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

/// The last evidence that the store keeps of a node, as a source of a draft reference set.
struct StoredEvidence: Sendable {
    let node: NodeID
    let verdict: VerdictSummary
    let akPublic: [UInt8]
    let submission: [UInt8]
    /// Values of the last evidence of this AK, for a submission that left them out.
    let storedPCRs: [UInt8]?
    let eventLog: [UInt8]

    static func last(of node: NodeID, _ snapshot: any StoreSnapshot) throws -> StoredEvidence {
        guard let record = try snapshot.node(node), let identity = try snapshot.identity(record.identityID) else {
            throw ServiceError(.unknown, "API_UNKNOWN", "no node \(node)")
        }
        let digest = try snapshot.attestationState(akName: identity.akName)?.pcrDigest
        let registers = try digest.flatMap {
            try snapshot.keptRegisters(akName: identity.akName, pcrDigest: $0)
        }
        for verdict in try snapshot.verdicts(of: node, before: nil, limit: 100) where verdict.akName == identity.akName
        {
            guard let submission = verdict.evidence, let digest = verdict.eventLogSHA256,
                let log = try snapshot.blob(sha256: digest)
            else { continue }
            return StoredEvidence(
                node: node, verdict: verdict.summary, akPublic: identity.akPublic, submission: submission,
                storedPCRs: registers, eventLog: log)
        }
        throw ServiceError(.conflict, "REF_NO_EVIDENCE", "no evidence of \(node) is kept; ask it to attest")
    }

    /// What one verdict was about; nil where its evidence is no longer kept whole.
    static func of(
        _ verdict: VerdictRecord, _ identity: IdentityRecord, _ snapshot: any StoreSnapshot
    ) throws -> StoredEvidence? {
        guard verdict.akName == identity.akName, let submission = verdict.evidence,
            let digest = verdict.eventLogSHA256, let log = try snapshot.blob(sha256: digest)
        else { return nil }
        let registers = try snapshot.attestationState(akName: identity.akName)?.pcrDigest.flatMap {
            try snapshot.keptRegisters(akName: identity.akName, pcrDigest: $0)
        }
        return StoredEvidence(
            node: verdict.nodeID, verdict: verdict.summary, akPublic: identity.akPublic, submission: submission,
            storedPCRs: registers, eventLog: log)
    }

    /// A draft from several nodes, and what was the same on all of them and what was not.
    static func capture(
        name: String, group: String, from evidence: [StoredEvidence]
    ) throws -> (document: [UInt8], report: JSONValue) {
        let sources = try evidence.map { try $0.source() }
        do {
            let captured = try ReferenceCapture.capture(name: name, group: group, from: sources)
            let limits = StrictJSONLimits(maxBytes: .max, maxValues: .max)
            return (
                try captured.set.encoded(),
                try StrictJSON.decode(
                    JSONValue.self, from: StrictJSON.encode(captured.report), limits: limits)
            )
        } catch {
            throw ServiceError(.invalid, "REF_CAPTURE", "\(error)")
        }
    }

    /// Verified again from the stored bytes, so that an edited database cannot teach a reference.
    func source() throws -> ReferenceCapture.Source {
        do {
            let submission = try StrictJSON.decode(EvidenceSubmission.self, from: submission)
            let quote = try UnverifiedQuote(attest: submission.quote.bytes, signature: submission.signature.bytes)
            // The nonce was checked when the evidence came in and is not kept.
            let verified = try quote.verify(
                with: AttestationKey(TPMTPublic(tpmtPublic: akPublic)),
                expecting: QuoteExpectation(offlineExtraData: nil, selection: nil, signers: nil))
            let values =
                submission.pcrs.flatMap(PCRValueCodec.decode(wire:))
                ?? storedPCRs.flatMap(PCRValueCodec.decode(stored:))
            guard let values else {
                throw ServiceError(.conflict, "REF_NO_EVIDENCE", "no register values of \(node) are kept")
            }
            return ReferenceCapture.Source(
                pcrs: try verified.attest(values), eventLog: eventLog,
                label: "node \(node), verdict \(verdict.verdictID) (\(verdict.verdict.rawValue))")
        } catch let error as ServiceError {
            throw error
        } catch {
            throw ServiceError(.invalid, "REF_CAPTURE", "the stored evidence of \(node): \(error)")
        }
    }
}
