internal import Appraisal
internal import AttestationMessages
internal import IMAMeasurementList
internal import JSONCoding
internal import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

/// Judges layer 7 of one evidence, piece by piece from the store: no list is ever in memory as a whole.
struct MeasurementListAppraiser: Sendable {
    let store: any TransactionalStore
    private let signatures = SharedSignatureVerdicts()

    init(store: any TransactionalStore) { self.store = store }

    struct Judgement: Sendable {
        var appraisal: RuntimeAppraisal
        /// Nil where the quote does not stand for the list: what was stored stays.
        var update: MeasurementListUpdate?
    }

    /// - Parameter now: Milliseconds since 1970; signers must be valid at this instant.
    func judge(
        _ stretch: MeasurementListStretch, of evidence: EvidenceCase, _ evidenceID: String,
        against registers: AttestedPCRs, _ rules: CompiledRuntime, bootID: String?, now: Int64
    ) async throws -> Judgement {
        let (appraisal, progress) = try await run(
            stretch, evidenceID, registers, rules, now, resuming: stretch.progress)
        guard let progress else { return Judgement(appraisal: appraisal) }
        let record = MeasurementListRecord(
            akName: evidence.identity.akName, resetCount: registers.quote.clock.resetCount,
            restartCount: registers.quote.clock.restartCount, bootID: bootID, byteCount: progress.checkpoint.offset,
            checkpoint: progress.checkpoint.bytes, summary: try StrictJSON.encode(progress.summary))
        return Judgement(
            appraisal: appraisal,
            update: MeasurementListUpdate(
                record: record, before: evidence.measurementList, stretch: stretch, evidenceID: evidenceID))
    }

    /// What rules say of the list that is stored, as far as these registers stand for it.
    ///
    /// - Returns: Nil where the stored list is of another boot, or PCR 10 is not among the registers.
    func judge(
        stored list: MeasurementListRecord?, against registers: AttestedPCRs, _ rules: CompiledRuntime, now: Int64
    ) async throws -> RuntimeAppraisal? {
        guard let list, list.resetCount == registers.quote.clock.resetCount,
            list.restartCount == registers.quote.clock.restartCount,
            registers.values.banks.values.contains(where: { $0[IMAReplay.pcr] != nil })
        else { return nil }
        // From its beginning: evidence that is kept may be older than the list, and stand for less of it.
        return try await run(MeasurementListStretch(stored: list), "", registers, rules, now, resuming: nil).appraisal
    }

    private func run(
        _ stretch: MeasurementListStretch, _ evidenceID: String, _ registers: AttestedPCRs, _ rules: CompiledRuntime,
        _ now: Int64, resuming progress: RuntimeProgress?
    ) async throws -> (appraisal: RuntimeAppraisal, progress: RuntimeProgress?) {
        let signatures = signatures.keeping(rules)
        let resumed = progress.flatMap {
            RuntimeListJudge(registers, by: rules, resuming: $0, signatures: signatures)
        }
        // Under other rules, or with another bank, the stored part is judged again: the node need not send it.
        guard var judge = resumed ?? RuntimeListJudge(registers, by: rules, signatures: signatures) else {
            return (RuntimeAppraisal(measurementList: nil, registers, by: rules, at: now), nil)
        }
        try await forEachPiece(stretch, evidenceID, fromStart: resumed == nil) { judge.append($0.span) }
        return judge.finish(at: now)
    }

    /// The registers that the quote signed, where PCR 10 had moved on by the time they were read.
    ///
    /// - Returns: nil where no beginning of the list makes the signed digest.
    func registers(
        of quote: VerifiedQuote, read: PCRValues, _ stretch: MeasurementListStretch, _ evidenceID: String,
        _ modes: Set<IMAExtension>
    ) async throws -> AttestedPCRs? {
        let resumed = stretch.progress.flatMap {
            IMARegisterSearch(quote, read: read, modes: modes, resuming: $0.checkpoint)
        }
        guard var search = resumed ?? IMARegisterSearch(quote, read: read, modes: modes) else { return nil }
        do {
            try await forEachPiece(stretch, evidenceID, fromStart: resumed == nil) { try search.append($0.span) }
            return try search.finish()
        } catch is IMAListError {
            // The list cannot be read: nothing explains the registers.
            return nil
        }
    }

    /// The stored part, where it is needed, and the stretch that follows it.
    private func forEachPiece(
        _ stretch: MeasurementListStretch, _ evidenceID: String, fromStart: Bool, _ body: ([UInt8]) throws -> Void
    ) async throws {
        if fromStart, let kept = stretch.kept {
            try await walk(0..<kept.byteCount, body) { snapshot, offset in
                try snapshot.measurementListBytes(akName: kept.akName, from: offset)
            }
        }
        if stretch.part.isWhole { return try body(stretch.part.bytes.bytes) }
        try await walk(stretch.part.offset..<stretch.part.end, body) { snapshot, offset in
            try snapshot.uploadedBytes(
                of: evidenceID, log: EvidenceLog.measurementList.description, from: offset)
        }
    }

    private func walk(
        _ range: Range<Int>, _ body: ([UInt8]) throws -> Void,
        _ piece: @escaping @Sendable (any StoreSnapshot, Int) throws -> [UInt8]?
    ) async throws {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let start = offset
            guard let bytes = try await store.read({ try piece($0, start) }), !bytes.isEmpty else {
                throw ServiceError(.unavailable, "STORE_POISON", "the measurement list ends at \(offset)")
            }
            let wanted = range.upperBound - offset
            try body(bytes.count <= wanted ? bytes : Array(bytes.prefix(wanted)))
            offset += bytes.count
        }
    }
}

/// What a judged stretch leaves in the store.
struct MeasurementListUpdate: Sendable {
    let record: MeasurementListRecord
    /// As it was when the stretch was judged.
    let before: MeasurementListRecord?
    let stretch: MeasurementListStretch
    let evidenceID: String

    /// Whether nothing was stored meanwhile: a list only goes on from where it was judged.
    func isCurrent(_ snapshot: any StoreSnapshot) throws -> Bool {
        try snapshot.measurementList(akName: record.akName) == before
    }

    /// In the verdict's transaction, while the uploaded bytes are still there (IM-08).
    func write(_ tx: any StoreTransaction) throws {
        guard record != before else { return }
        if stretch.kept == nil { try tx.deleteMeasurementList(akName: record.akName) }
        if stretch.part.isWhole {
            try tx.appendMeasurementList(
                akName: record.akName, at: stretch.part.offset, stretch.part.bytes.bytes)
        } else {
            try tx.appendMeasurementList(
                akName: record.akName, uploadedBy: evidenceID, log: EvidenceLog.measurementList.description)
        }
        try tx.save(record)
    }
}
