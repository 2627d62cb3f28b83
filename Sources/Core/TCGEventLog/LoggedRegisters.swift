public import TPMStructures

/// What the register indices of a log name. Nothing covers it: the header's own index and the events' types say it.
public enum LoggedRegisters: String, Hashable, Sendable, Codable {
    /// PCRs of a TPM (TCG PC Client Platform Firmware Profile).
    case pcrs = "tpm"
    /// Measurement registers of a confidential VM (UEFI 2.10, section 38; ACPI table CCEL): 0 is what built the VM (MRTD),
    /// 1 to 4 are RTMR 0 to 3 of TDX, and CSV's counterparts.
    case measurementRegisters = "cc"

    /// Registers that the confidential VM's own firmware and software extend: RTMR 0 to 3.
    static let extendable: ClosedRange<UInt8> = 1...4

    /// `mr1` for register 1: as the UEFI specification counts, one more than TDX does.
    public static func measurementRegisterName(_ index: PCRIndex) -> String { "mr\(index.rawValue)" }

    /// The registers that a log's own words name.
    ///
    /// Firmware of confidential VMs maps PCR 0 to register 1, the header's index with it, and Secure Boot policy from PCR 7
    /// to register 1; the profile puts both where their names say. Without either, a log of the one bank that such VMs have
    /// in which nothing was measured into register 0 is theirs: a TPM's firmware measures itself into PCR 0. Any other log
    /// names PCRs.
    static func stated(by events: [TCGPCREvent2], _ algorithms: [LoggedAlgorithm]) -> LoggedRegisters {
        guard let header = events.first, header.dataSlice.starts(with: SpecIDEvent.signature) else { return .pcrs }
        if header.registerIndex == 1 { return .measurementRegisters }
        // A TPM's log measures policy into PCR 7 early: nothing more is looked at.
        guard !events.contains(where: { $0.isExtended && $0.registerIndex > UInt32(extendable.upperBound) }) else {
            return .pcrs
        }
        let extended = events.filter(\.isExtended)
        let policy = extended.first { event in
            guard event.untrustedEventType == .efiVariableDriverConfig,
                case .variable(let variable)? = try? event.decoded(),
                let known = SecureBootVariable(variable.name)
            else { return false }
            return variable.vendor == known.vendor
        }
        if let policy { return policy.registerIndex == 1 ? .measurementRegisters : .pcrs }
        let banks = algorithms.map(\.bank)
        let isTheirBank = banks == [.sha384] || banks == [.sm3]
        let isBoot = extended.count >= fewestEvents && !extended.contains { $0.registerIndex == 0 }
        return isTheirBank && isBoot ? .measurementRegisters : .pcrs
    }

    /// Fewer events are no boot from whose shape anything follows.
    private static let fewestEvents = 3
}
