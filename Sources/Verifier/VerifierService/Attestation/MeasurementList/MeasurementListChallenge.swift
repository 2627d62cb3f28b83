internal import Appraisal
internal import AttestationMessages
internal import IMAMeasurementList
internal import ReferenceValues
internal import TPMStructures

extension EvidenceCase {
    /// All references that may judge the evidence: an open plan or a staged activation brings others.
    var judging: [GroupPolicy] { [policy] + [planned?.alternative, canary?.active].compactMap(\.self) }

    var measurementListRules: [CompiledRuntime] { judging.compactMap(\.measurementListRules) }
    /// Asked several times of each evidence, also where nobody judges a list: copies no policy.
    var wantsMeasurementList: Bool {
        policy.judgesMeasurementList || planned?.alternative?.judgesMeasurementList == true
            || canary?.active.judgesMeasurementList == true
    }

    /// Banks in which PCR 10 is quoted: those of references that judge the measurement list.
    fileprivate var measurementListBanks: Set<PCRBank> {
        guard wantsMeasurementList else { return [] }
        return judging.reduce(into: []) { banks, policy in
            if policy.judgesMeasurementList { banks.formUnion(policy.appraiser.references?.banks ?? []) }
        }
    }
}

extension MeasurementListRecord {
    /// Where a node may begin, if nothing else is known than what it says of its boot; nil in another boot.
    func offset(inBoot bootID: String?) -> Int? { bootID != nil && bootID == self.bootID ? byteCount : nil }
}

extension VerifierPolicy {
    /// The registers that a challenge names: PCR 10 with the others in the banks of references that judge the list.
    func selection(for evidence: EvidenceCase) -> TPMLPCRSelection {
        TPMLPCRSelection(challengedPCRs, banks: challengedBanks).adding(
            IMAReplay.pcr, in: evidence.measurementListBanks)
    }
}

extension ChallengeRecord {
    /// Whether it names every register that the evidence's references judge: others may have become active since.
    func covers(_ evidence: EvidenceCase) -> Bool {
        let banks = evidence.measurementListBanks
        return banks.isEmpty
            || selection.selections.allSatisfy { !banks.contains($0.bank) || $0.pcrs.contains(IMAReplay.pcr) }
    }
}
