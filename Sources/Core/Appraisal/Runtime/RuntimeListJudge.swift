internal import ByteParsing
public import IMAMeasurementList
public import ReferenceValues
public import TPMCryptography
internal import TPMStructures

/// How far a boot's measurement list was judged: what is kept so that the next evidence costs what its new entries cost.
///
/// It does not say of which TPM and which boot it is: who keeps it keeps that too.
public struct RuntimeProgress: Sendable {
    public let checkpoint: IMACheckpoint
    public let summary: RuntimeSummary

    public init(checkpoint: IMACheckpoint, summary: RuntimeSummary) {
        self.checkpoint = checkpoint
        self.summary = summary
    }
}

/// Judges a measurement list as it comes in pieces, against the registers of one quote and the rules of one reference set.
/// Keeps no entry.
public struct RuntimeListJudge<Signatures: SignatureVerdictKeeping> {
    private let attested: AttestedPCRs
    private let rules: CompiledRuntime
    private var signatures: Signatures
    private var verification: IMAListVerification
    private var summary: RuntimeSummary
    /// Of the longest prefix so far that the quote stands for.
    private var agreed: RuntimeSummary
    private var refusal: MeasuredEntries.Refusal?

    /// - Parameters:
    ///   - progress: Where judging the same boot's list ended last; nil starts at its first entry.
    ///   - signatures: Keeps what signature checks gave.
    /// - Returns: nil where `progress` does not serve: it was made under other rules, or lacks a bank. Only the whole list
    ///   will do then.
    public init?(
        _ attested: AttestedPCRs, by rules: CompiledRuntime, resuming progress: RuntimeProgress? = nil,
        signatures: Signatures
    ) {
        if let progress {
            guard progress.summary.isUsable(under: rules),
                progress.summary.entryCount == progress.checkpoint.entryCount
            else { return nil }
        }
        let verification = IMAListVerification(
            attested: attested, modes: rules.extensionModes, resuming: progress?.checkpoint)
        guard let verification else { return nil }
        self.attested = attested
        self.rules = rules
        self.signatures = signatures
        self.verification = verification
        summary = progress?.summary ?? RuntimeSummary(rules)
        agreed = summary
    }

    /// Judges the list's next bytes. What follows bytes that are no entry is not looked at.
    public mutating func append(_ chunk: Span<UInt8>) {
        guard refusal == nil else { return }
        var verification = verification
        defer { self.verification = verification }
        do throws(IMAListError) {
            try verification.append(chunk, reporting: { judge($0, agrees: $1) })
        } catch { refusal = .malformed(error) }
    }

    private mutating func judge(_ measurement: IMAMeasurement, agrees: Bool) {
        summary.judge(next: measurement, by: rules, signatures: &signatures)
        if agrees { agreed = summary }
    }

    /// The list ends here.
    ///
    /// - Parameter milliseconds: Since 1970; signers must be valid at this instant.
    /// - Returns: What it says of layer 7, and where the next evidence goes on: nil where the quote does not stand for the
    ///   list.
    public mutating func finish(at milliseconds: Int64) -> (appraisal: RuntimeAppraisal, progress: RuntimeProgress?) {
        var verification = verification
        var outcome: IMAListOutcome?
        if refusal == nil {
            do throws(IMAListError) {
                outcome = try verification.finish(reporting: { judge($0, agrees: $1) })
            } catch { refusal = .malformed(error) }
        }
        switch outcome.map({ MeasuredEntries.agreement($0, attested) }) {
        case nil: break
        case .failure(let error): refusal = error
        case .success(let list):
            return (
                RuntimeAppraisal(list, agreed, by: rules, at: milliseconds),
                RuntimeProgress(checkpoint: list.checkpoint, summary: agreed)
            )
        }
        return (RuntimeAppraisal(findings: refusal?.findings ?? []), nil)
    }
}

extension CompiledRuntime {
    /// Ways in which a kernel may extend a bank under these rules.
    public var extensionModes: Set<IMAExtension> {
        acceptsPaddedSHA1 ? Set(IMAExtension.allCases) : [.native]
    }
}
