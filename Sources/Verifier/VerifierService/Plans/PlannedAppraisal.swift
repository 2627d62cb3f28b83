internal import Appraisal
internal import ReferenceValues

extension EvidenceAppraiser {
    /// By what judges the node; what that refuses, by the set of a plan whose window is open; what that refuses, too, by the
    /// active set's layers and the plan's list of files: an update that is installed, before the reboot into it. Where none
    /// passes, the verdict is the active set's. What the set of a staged activation refuses is shown to the active one, too,
    /// to know which of set and node is to blame; the verdict stays.
    ///
    /// - Parameters:
    ///   - runtime: layer 7 by one set; nil where it does not judge it.
    ///   - eventLog: called once for each set that did not judge this boot before.
    /// - Returns: the result, the evidence with the references that gave it, and what they leave of the measurement list.
    func appraise(
        _ input: Input, _ evidence: EvidenceCase,
        runtime: (GroupPolicy) async throws -> MeasurementListAppraiser.Judgement?,
        eventLog: () async throws -> [UInt8]?
    ) async throws -> (result: AttestationResult, evidence: EvidenceCase, list: MeasurementListUpdate?) {
        typealias Judged = (result: AttestationResult, list: MeasurementListUpdate?)
        func judge(_ policy: GroupPolicy, _ judgement: MeasurementListAppraiser.Judgement?) async throws -> Judged {
            var input = input
            input.runtime = judgement?.appraisal
            return (try await appraise(input, policy, eventLog: eventLog), judgement?.update)
        }
        func judge(_ policy: GroupPolicy) async throws -> Judged { try await judge(policy, try await runtime(policy)) }
        let (result, list) = try await judge(evidence.policy)
        guard result.verdict != .pass else { return (result, evidence, list) }
        var evidence = evidence
        if let alternative = evidence.planned?.alternative {
            var files = try await runtime(alternative)
            let other = try await judge(alternative, files)
            if other.result.verdict == .pass {
                evidence.policy = alternative
                return (other.result, evidence, other.list)
            }
            guard evidence.policy.judgesMeasurementList, files != nil else { return (result, evidence, list) }
            files?.appraisal.findings.append(Self.installed(alternative))
            let installed = try await judge(evidence.policy, files)
            return installed.result.verdict == .pass
                ? (installed.result, evidence, installed.list) : (result, evidence, list)
        }
        if result.verdict == .fail, let canary = evidence.canary {
            // A boot that the new set passed before fails by something else: then nobody blames the set.
            if case .judged = input.registers { return (result, evidence, list) }
            evidence.canary?.isNewlyFailing = try await judge(canary.active).result.verdict == .pass
        }
        return (result, evidence, list)
    }

    /// Shown with the verdict: layer 7 is not the active set's word alone.
    private static func installed(_ alternative: GroupPolicy) -> Finding {
        let set = alternative.referenceName ?? "the plan's set"
        return Finding(
            FindingID.planInstalled, .affirming, .runtime, name: set,
            detail: "files of \(set) run before the reboot into it, in the window of a change plan")
    }
}
