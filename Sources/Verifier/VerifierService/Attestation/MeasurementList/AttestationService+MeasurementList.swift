internal import Appraisal
internal import AttestationMessages
internal import ReferenceValues
internal import TPMCryptography

extension AttestationService {
    /// The registers of a quote that was made while the kernel measured.
    func settleRegisters(_ accepted: inout AcceptedEvidence) async throws {
        guard case .unsettled(let read, _) = accepted.verification.registers, let quote = accepted.verification.quote
        else { return }
        let modes = accepted.evidence.measurementListRules.reduce(into: Set()) { $0.formUnion($1.extensionModes) }
        guard let stretch = accepted.measurementList else { return accepted.settle(nil) }
        accepted.settle(
            try await measurementLists.registers(
                of: quote, read: read, stretch, accepted.challenge.challengeID, modes))
    }

    /// What to keep of a list that a plan's or a staged activation's set will judge, where the one that gave the verdict does
    /// not: without it the node would send it whole each time.
    func unjudgedMeasurementList(
        of accepted: AcceptedEvidence, _ policy: GroupPolicy
    ) async throws -> MeasurementListUpdate? {
        guard accepted.measurementList != nil, !policy.judgesMeasurementList,
            let judging = accepted.evidence.judging.first(where: \.judgesMeasurementList)
        else { return nil }
        return try await judgeMeasurementList(of: accepted, by: judging)?.update
    }

    /// Layer 7 by one group of references; nil where they do not judge it, or no registers are attested.
    func judgeMeasurementList(
        of accepted: AcceptedEvidence, by policy: GroupPolicy
    ) async throws -> MeasurementListAppraiser.Judgement? {
        guard let rules = policy.measurementListRules, case .attested(let registers) = accepted.verification.registers
        else { return nil }
        let now = store.clock.now()
        guard let stretch = accepted.measurementList else {
            return .init(appraisal: RuntimeAppraisal(measurementList: nil, registers, by: rules, at: now))
        }
        return try await measurementLists.judge(
            stretch, of: accepted.evidence, accepted.challenge.challengeID, against: registers, rules,
            bootID: accepted.verification.claims?.bootID, now: now)
    }
}
