internal import ReferenceValues
public import TCGEventLog
public import TPMStructures

/// What is different between two boots, event by event, with names that people know and the likely cause.
///
/// Which events differ follows from digests and their order in each register alone; every name, detail and cause rests on the
/// logs' words, which nothing covers unless an event says `dataVerified`. Decides nothing.
public struct BootComparison: Sendable {
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The logs have no bank in common: nothing can be compared.
        case noCommonBank
        /// One log is a TPM's and the other a confidential VM's.
        case otherRegisters

        public var description: String {
            switch self {
            case .noCommonBank: "the two logs have no bank in common"
            case .otherRegisters: "one log names PCRs, the other measurement registers"
            }
        }
    }

    /// Registers that hold another value after the later boot, in the strongest common bank.
    public let changedRegisters: [PCRIndex]
    /// The strongest bank that both logs have; its digests are shown.
    public let bank: PCRBank
    /// By register, then in the order of the later boot.
    public let changes: [BootChange]
    /// The gravest first; every change belongs to exactly one.
    public let causes: [BootChangeCause]

    public var isSame: Bool { changes.isEmpty && changedRegisters.isEmpty }

    /// - Parameters:
    ///   - before: the earlier boot, or one that is held to be good.
    ///   - after: the boot in question.
    public init(from before: TCGEventLog, to after: TCGEventLog) throws(Failure) {
        guard before.registers == after.registers else { throw .otherRegisters }
        let banks = before.banks.filter(after.banks.contains)
        guard let bank = banks.max(by: { ($0.digestSize, $0) < ($1.digestSize, $1) }) else { throw .noCommonBank }
        self.bank = bank
        let values = (before.replay().values, after.replay().values)
        changedRegisters = PCRIndex.all.filter { values.0[bank, $0] != values.1[bank, $0] }
        var changes: [BootChange] = []
        for pcr in PCRIndex.all {
            let streams = (Self.stream(before, pcr), Self.stream(after, pcr))
            let meaning = after.registers == .pcrs ? pcr : Self.meaning(ofMeasurementRegister: pcr)
            changes +=
                RegisterChanges(pcr, meaning: meaning, streams.0, streams.1, banks: banks, shown: bank).changes
        }
        changes += Self.unmeasured(before, after)
        let blobs = before.events.count { $0.isExtended && $0.registerIndex == 0 && $0.component.kind == .firmwareBlob }
        let causes = CauseFinder(changes, broken: Self.newBreaches(before, after), firmwareBlobs: blobs)
        self.changes = causes.changes
        self.causes = causes.causes
    }

    /// Of the PCRs that a confidential VM's register stands for (UEFI 2.10, section 38.4.1) the one that says most of it.
    private static func meaning(ofMeasurementRegister register: PCRIndex) -> PCRIndex {
        let pcrs: [UInt8: Int] = [2: 4, 3: 9, 4: 15]
        return pcrs[register.rawValue].flatMap { PCRIndex($0) } ?? register
    }

    private static func stream(_ log: TCGEventLog, _ pcr: PCRIndex) -> [TCGPCREvent2] {
        log.events.filter { $0.isExtended && $0.pcr == pcr }
    }

    /// The startup locality is extended by nobody, and changes PCR 0.
    private static func unmeasured(_ before: TCGEventLog, _ after: TCGEventLog) -> [BootChange] {
        let localities = (before.replay().startupLocality, after.replay().startupLocality)
        guard localities.0 != localities.1 else { return [] }
        return [
            BootChange(
                kind: .changed, pcr: 0, layer: .firmware, component: .noAction, name: "startup locality",
                details: ["locality \(localities.0) → \(localities.1)"], cause: .firmwareConfiguration)
        ]
    }

    /// Breaches of the profile's rules that the later log has more of, by reason and register.
    private static func newBreaches(_ before: TCGEventLog, _ after: TCGEventLog) -> [LogFinding] {
        struct Place: Hashable {
            var id: LogReason
            var pcr: PCRIndex?
        }
        var known = Dictionary(grouping: before.findings()) { Place(id: $0.id, pcr: $0.pcr) }.mapValues(\.count)
        return after.findings().filter { finding in
            let place = Place(id: finding.id, pcr: finding.pcr)
            guard finding.severity == .contraindicated else { return false }
            known[place, default: 0] -= 1
            return known[place, default: 0] < 0
        }
    }
}
