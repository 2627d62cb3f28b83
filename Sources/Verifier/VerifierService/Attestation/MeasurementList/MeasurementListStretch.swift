internal import Appraisal
internal import AttestationMessages
internal import IMAMeasurementList
internal import JSONCoding
internal import TPMCryptography
internal import TPMStructures

/// The part of a node's measurement list that one submission brings: it begins exactly where the stored part of the same
/// boot's list ends, or at the list's beginning (IM-07).
struct MeasurementListStretch: Sendable {
    /// What is stored of this boot; nil where the list begins here.
    let kept: MeasurementListRecord?
    let part: MeasurementListPart

    /// - Returns: nil where no references judge the list, none was sent, or the quote did not verify.
    /// - Throws: ``ServiceError`` `IMA_OFFSET` with the wanted offset for a stretch that begins elsewhere, and
    ///   `EVIDENCE_SIZE` for a list beyond the limit. Nothing is used up by either.
    init?(
        _ submission: EvidenceSubmission, _ evidence: EvidenceCase, _ quote: VerifiedQuote?, _ policy: VerifierPolicy
    ) throws {
        guard evidence.wantsMeasurementList, let quote, let part = submission.measurementList else {
            return nil
        }
        let kept = evidence.measurementList.flatMap { list in
            list.resetCount == quote.clock.resetCount && list.restartCount == quote.clock.restartCount ? list : nil
        }
        let wanted = kept?.byteCount ?? 0
        guard part.offset == wanted, part.end >= wanted else {
            throw ServiceError(
                .conflict, "IMA_OFFSET", "the stretch \(part.offset)..<\(part.end) does not begin at \(wanted)",
                offset: wanted)
        }
        guard part.end <= policy.maxMeasurementListSize else {
            throw ServiceError(
                .tooLarge, "EVIDENCE_SIZE",
                "a measurement list of \(part.end) bytes; the limit is \(policy.maxMeasurementListSize)")
        }
        guard part.isWhole || part.bytes.bytes.isEmpty else {
            throw ServiceError(
                .invalid, "EVIDENCE_LIST",
                "\(part.bytes.bytes.count) bytes for the stretch \(part.offset)..<\(part.end)")
        }
        self.kept = kept
        self.part = part
    }

    /// What is stored of a boot, with nothing that follows it.
    init(stored list: MeasurementListRecord) {
        kept = list
        part = MeasurementListPart(offset: list.byteCount, end: list.byteCount, bytes: WireBytes([]))
    }

    /// What is to be uploaded; nil where the submission holds it.
    func upload(_ evidenceID: String) -> UploadRecord? {
        guard !part.isWhole else { return nil }
        // Nothing announces a digest of the list: its replay binds it.
        return UploadRecord(
            evidenceID: evidenceID, log: EvidenceLog.measurementList.description,
            sha256: [UInt8](repeating: 0, count: 32), byteCount: part.end, receivedCount: part.offset)
    }

    /// Where judging the stored part ended; nil where it has to be judged anew from its bytes.
    var progress: RuntimeProgress? {
        guard let kept else { return nil }
        do {
            let progress = RuntimeProgress(
                checkpoint: try IMACheckpoint(parsing: kept.checkpoint),
                summary: try StrictJSON.decode(RuntimeSummary.self, from: kept.summary))
            return progress.checkpoint.offset == kept.byteCount ? progress : nil
        } catch {
            // Of an older version, or damaged: the bytes are there, and prove themselves against the quote.
            return nil
        }
    }
}
