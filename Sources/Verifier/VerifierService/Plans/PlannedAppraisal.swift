internal import Appraisal

extension EvidenceAppraiser {
    /// By what judges the node; what that refuses, by the set of a plan whose window is open. Where neither passes, the
    /// verdict is the active set's. What the set of a staged activation refuses is shown to the active one, too, to know
    /// which of set and node is to blame; the verdict stays.
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
        func judge(_ policy: GroupPolicy) async throws -> (result: AttestationResult, list: MeasurementListUpdate?) {
            let judgement = try await runtime(policy)
            var input = input
            input.runtime = judgement?.appraisal
            return (try await appraise(input, policy, eventLog: eventLog), judgement?.update)
        }
        let (result, list) = try await judge(evidence.policy)
        guard result.verdict != .pass else { return (result, evidence, list) }
        var evidence = evidence
        if let alternative = evidence.planned?.alternative {
            let other = try await judge(alternative)
            guard other.result.verdict == .pass else { return (result, evidence, list) }
            evidence.policy = alternative
            return (other.result, evidence, other.list)
        }
        if result.verdict == .fail, let canary = evidence.canary {
            // A boot that the new set passed before fails by something else: then nobody blames the set.
            if case .judged = input.registers { return (result, evidence, list) }
            evidence.canary?.isNewlyFailing = try await judge(canary.active).result.verdict == .pass
        }
        return (result, evidence, list)
    }
}
