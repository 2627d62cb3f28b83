internal import Appraisal
internal import AttestationMessages
internal import IMAMeasurementList
internal import ReferenceValues
internal import TPMStructures

extension GroupPolicy {
    /// Where a challenge lets a node begin, if nothing else is known than what it says of its boot.
    func measurementListOffset(_ kept: MeasurementListRecord?, bootID: String?) -> Int? {
        guard measurementListRules != nil else { return nil }
        guard let kept, let bootID, kept.bootID == bootID else { return 0 }
        return kept.byteCount
    }
}

extension VerifierPolicy {
    /// The registers that a challenge names: PCR 10 with the others in the banks of references that judge the list.
    func selection(for group: GroupPolicy) -> [PCRBankSelection] {
        let judged = group.measurementListRules == nil ? [] : group.appraiser.references?.banks ?? []
        return challengedBanks.sorted().map { bank in
            var pcrs = challengedPCRs
            if judged.contains(bank) { pcrs.insert(IMAReplay.pcr) }
            return PCRBankSelection(bank: bank.name, indices: pcrs.indices.map { Int($0.rawValue) })
        }
    }
}

extension ChallengeRecord {
    /// Whether it names every register that these references judge: others may have become active since.
    func covers(_ group: GroupPolicy) -> Bool {
        guard group.measurementListRules != nil else { return true }
        let banks = Set(group.appraiser.references?.banks.map(\.name) ?? [])
        return selection.allSatisfy {
            !banks.contains($0.bank) || $0.indices.contains(Int(IMAReplay.pcr.rawValue))
        }
    }
}
