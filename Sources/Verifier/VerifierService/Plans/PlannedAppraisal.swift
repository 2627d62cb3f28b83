internal import Appraisal

extension EvidenceAppraiser {
    /// By what judges the node; what that refuses, by the set of a plan whose window is open. Where neither passes, the
    /// verdict is the active set's. What the set of a staged activation refuses is shown to the active one, too, to know
    /// which of set and node is to blame; the verdict stays.
    ///
    /// - Parameter eventLog: called once for each set that did not judge this boot before.
    /// - Returns: the result, and the evidence with the references that gave it.
    func appraise(
        _ input: Input, _ evidence: EvidenceCase, eventLog: () async throws -> [UInt8]?
    ) async throws -> (result: AttestationResult, evidence: EvidenceCase) {
        let result = try await appraise(input, evidence.policy, eventLog: eventLog)
        guard result.verdict != .pass else { return (result, evidence) }
        var evidence = evidence
        if let alternative = evidence.planned?.alternative {
            let other = try await appraise(input, alternative, eventLog: eventLog)
            guard other.verdict == .pass else { return (result, evidence) }
            evidence.policy = alternative
            return (other, evidence)
        }
        if result.verdict == .fail, let canary = evidence.canary {
            // A boot that the new set passed before fails by something else: then nobody blames the set.
            if case .judged = input.registers { return (result, evidence) }
            evidence.canary?.isNewlyFailing =
                try await appraise(input, canary.active, eventLog: eventLog).verdict == .pass
        }
        return (result, evidence)
    }
}
