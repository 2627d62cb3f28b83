internal import Appraisal
internal import AttestationMessages
internal import IMAMeasurementList
internal import ReferenceValues
internal import TPMStructures

extension GroupPolicy {
    /// All references that may judge a node of the group: an open plan or a staged activation brings others.
    private var judging: [GroupPolicy] {
        [self] + plans.values.map(\.references) + (rollout.map { [$0.references] } ?? [])
    }

    /// Banks in which a challenge names PCR 10: those of references that judge the measurement list.
    var measurementListBanks: Set<PCRBank> {
        judging.reduce(into: []) { banks, policy in
            guard policy.measurementListRules != nil, let references = policy.appraiser.references else { return }
            banks.formUnion(references.banks)
        }
    }

    /// Where a challenge lets a node begin, if nothing else is known than what it says of its boot; nil where nobody judges
    /// the list.
    func measurementListOffset(
        bootID: String?, _ kept: () throws -> MeasurementListRecord?
    ) rethrows -> Int? {
        guard judging.contains(where: { $0.measurementListRules != nil }) else { return nil }
        guard let bootID, let kept = try kept(), kept.bootID == bootID else { return 0 }
        return kept.byteCount
    }
}

extension EvidenceCase {
    /// Rules of all references that may judge this evidence.
    var measurementListRules: [CompiledRuntime] { judging.compactMap(\.measurementListRules) }
    var wantsMeasurementList: Bool { judging.contains { $0.measurementListRules != nil } }

    fileprivate var judging: [GroupPolicy] {
        [policy] + [planned?.alternative, canary?.active].compactMap(\.self)
    }
}

extension VerifierPolicy {
    /// The registers that a challenge names: PCR 10 with the others in the banks of references that judge the list.
    func selection(for group: GroupPolicy) -> [PCRBankSelection] {
        let judged = group.measurementListBanks
        return challengedBanks.sorted().map { bank in
            var pcrs = challengedPCRs
            if judged.contains(bank) { pcrs.insert(IMAReplay.pcr) }
            return PCRBankSelection(bank: bank.name, indices: pcrs.indices.map { Int($0.rawValue) })
        }
    }
}

extension ChallengeRecord {
    /// Whether it names every register that the evidence's references judge: others may have become active since.
    func covers(_ evidence: EvidenceCase) -> Bool {
        for policy in evidence.judging where policy.measurementListRules != nil {
            let banks = Set(policy.appraiser.references?.banks.map(\.name) ?? [])
            let isWhole = selection.allSatisfy {
                !banks.contains($0.bank) || $0.indices.contains(Int(IMAReplay.pcr.rawValue))
            }
            guard isWhole else { return false }
        }
        return true
    }
}
