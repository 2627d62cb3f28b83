internal import ByteParsing
internal import IMAMeasurementList
public import ReferenceValues
public import TPMCryptography
internal import TPMStructures

extension RuntimeAppraisal {
    /// Judges a whole list: what it adds up to, what it shows by itself, and every entry that the quote covers.
    ///
    /// - Parameter measurementList: exact bytes from the first entry on; nil where none was sent.
    public init(
        measurementList: [UInt8]?, _ pcrs: AttestedPCRs, by rules: CompiledRuntime, at milliseconds: Int64
    ) {
        guard let measurementList else {
            self.init(findings: [Self.missing(pcrs)])
            return
        }
        // Never nil: nothing is resumed.
        var judge = RuntimeListJudge(pcrs, by: rules, signatures: NoSignatureVerdicts())
        judge?.append(measurementList.span)
        self = judge?.finish(at: milliseconds).appraisal ?? RuntimeAppraisal(findings: [Self.missing(pcrs)])
    }

    /// No list: a register that nothing extended says that IMA is off; else the list is withheld.
    private static func missing(_ pcrs: AttestedPCRs) -> Finding {
        let banks = pcrs.values.banks.keys.filter { pcrs[$0, IMAReplay.pcr] != nil }
        if banks.isEmpty {
            return Finding(
                FindingID.quotedRegisters, .none, .runtime, pcr: LayerID.measurementListPCR,
                detail: "PCR \(LayerID.measurementListPCR) is not quoted")
        }
        return banks.allSatisfy { pcrs[$0, IMAReplay.pcr] == .zero($0) }
            ? Finding(
                IMAReason.notActive.rawValue, .contraindicated, .runtime, pcr: LayerID.measurementListPCR,
                detail: "nothing was measured since the boot: IMA is off")
            : Finding(
                FindingID.evidenceMissing, .none, .runtime, pcr: LayerID.measurementListPCR,
                detail: "no measurement list was sent")
    }
}

/// A list read and replayed at once, and the entries that the quote stands for.
struct MeasuredEntries {
    let list: ReplayedIMAList
    let entries: ArraySlice<RuntimeEntry>

    enum Refusal: Error, CustomStringConvertible {
        case malformed(IMAListError)
        /// `ascii_runtime_measurements`: a name with a newline in it looks like entries (IM-05).
        case text
        case replay(replayed: Digest?, attested: Digest?, isTrimmed: Bool)
        case notQuoted

        var description: String { findings.first.map { "\($0.id): \($0.detail)" } ?? "" }

        var findings: [Finding] {
            func finding(_ id: String, _ tier: Tier, _ detail: String) -> Finding {
                Finding(id, tier, .runtime, pcr: LayerID.measurementListPCR, detail: detail)
            }
            let missing = finding(FindingID.evidenceMissing, .none, "the measurement list proves nothing")
            switch self {
            case .malformed(let error):
                return [
                    finding(
                        error.reason.rawValue, .contraindicated, "the measurement list cannot be read: \(error)"),
                    missing,
                ]
            case .text:
                return [
                    finding(
                        IMAReason.template.rawValue, .contraindicated,
                        "the measurement list is text, in which a file's name can forge entries; the binary list is due"
                    ),
                    missing,
                ]
            case .replay(let replayed, let attested, let isTrimmed):
                var found = finding(
                    (isTrimmed ? IMAReason.trimmed : .replay).rawValue, .contraindicated,
                    isTrimmed
                        ? "the list does not begin with the boot aggregate and does not add up to the quoted PCR 10"
                        : "no beginning of the list adds up to the quoted PCR 10")
                found.name = "PCR \(LayerID.measurementListPCR)"
                found.expected = replayed?.description
                found.seen = attested?.description
                return [found, missing]
            case .notQuoted:
                return [
                    finding(FindingID.quotedRegisters, .none, "PCR \(LayerID.measurementListPCR) is not quoted")
                ]
            }
        }
    }

    /// Native extension only: what is captured proves no padding.
    init(_ bytes: [UInt8], _ pcrs: AttestedPCRs) throws(Refusal) {
        guard var verification = IMAListVerification(attested: pcrs) else { throw .notQuoted }
        var entries: [RuntimeEntry] = []
        let outcome: IMAListOutcome
        do throws(IMAListError) {
            try verification.append(bytes.span) { entries.append(RuntimeEntry($0)) }
            outcome = try verification.finish { entries.append(RuntimeEntry($0)) }
        } catch {
            throw .malformed(error)
        }
        list = try Self.agreement(outcome, pcrs).get()
        self.entries = entries.prefix(list.entryCount)
    }

    static func agreement(_ outcome: IMAListOutcome, _ pcrs: AttestedPCRs) -> Result<ReplayedIMAList, Refusal> {
        switch outcome {
        case .nothingToCompare: return .failure(.notQuoted)
        case .disagrees(let end):
            guard end.layout?.form != .ascii else { return .failure(.text) }
            let lane = end.replay.lanes.max()
            return .failure(
                .replay(
                    replayed: lane.flatMap { end.replay.value($0, IMAReplay.pcr) },
                    attested: lane.flatMap { pcrs[$0.bank, IMAReplay.pcr] },
                    isTrimmed: end.entryCount > 0 && end.replay.bootAggregate?.index != 0))
        case .agrees(let list):
            return list.checkpoint.layout?.form == .ascii ? .failure(.text) : .success(list)
        }
    }
}
