internal import Appraisal

extension EvidenceAppraiser {
    /// By what judges the node; what that refuses, by the set of a plan whose window is open. Where neither passes, the
    /// verdict is the active set's.
    ///
    /// - Parameter eventLog: called once for each set that did not judge this boot before.
    /// - Returns: the result, and the evidence with the references that gave it.
    func appraise(
        _ input: Input, _ evidence: EvidenceCase, eventLog: () async throws -> [UInt8]?
    ) async throws -> (result: AttestationResult, evidence: EvidenceCase) {
        let result = try await appraise(input, evidence.policy, eventLog: eventLog)
        guard result.verdict != .pass, let alternative = evidence.planned?.alternative else {
            return (result, evidence)
        }
        let other = try await appraise(input, alternative, eventLog: eventLog)
        guard other.verdict == .pass else { return (result, evidence) }
        var evidence = evidence
        evidence.policy = alternative
        return (other, evidence)
    }
}
