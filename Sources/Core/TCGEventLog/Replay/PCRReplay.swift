public import TPMStructures

/// What the registers of a TPM (or of a confidential VM) hold after the events of a log, if the log is true. Says nothing
/// about whether it is.
public struct PCRReplay: Sendable {
    /// All 24 registers of every bank that the log names and this product can compute; a register without events has
    /// its initial value.
    public let values: PCRValues
    /// Registers that at least one event extends, by bank.
    public let extended: [PCRBank: PCRSet]
    /// What PCR 0 starts with in its last byte: 0, 3 or 4.
    public let startupLocality: UInt8

    /// What a register holds before its first event (PTP 1.05, table of PCR attributes): all ones for 17–22, which only a
    /// dynamic launch resets to zero; the startup locality in PCR 0's last byte; else zero.
    public static func initialValue(_ index: PCRIndex, bank: PCRBank, startupLocality: UInt8) -> Digest {
        var bytes = [UInt8](repeating: (17...22).contains(index.rawValue) ? 0xFF : 0, count: bank.digestSize)
        if index.rawValue == 0 { bytes[bytes.count - 1] = startupLocality }
        return Digest(algorithm: bank, bytes: bytes) ?? .zero(bank)
    }

    /// Measurement registers of a confidential VM all start at zero.
    static func initialRegisters(_ bank: PCRBank, _ kind: LoggedRegisters, startupLocality: UInt8) -> [UInt8] {
        var registers = [UInt8](repeating: 0, count: PCRIndex.count * bank.digestSize)
        guard kind == .pcrs else { return registers }
        for byte in 17 * bank.digestSize..<23 * bank.digestSize { registers[byte] = 0xFF }
        registers[bank.digestSize - 1] = startupLocality
        return registers
    }

    /// - Parameter registers: For each bank the 24 registers, one behind the other.
    init(banks: [PCRBank], registers: [[UInt8]], extended: [UInt32], startupLocality: UInt8) {
        var values = PCRValues()
        var sets: [PCRBank: PCRSet] = [:]
        for (place, bank) in banks.enumerated() {
            for index in PCRIndex.all {
                let start = Int(index.rawValue) * bank.digestSize
                let bytes = Array(registers[place][start..<start + bank.digestSize])
                if let digest = Digest(algorithm: bank, bytes: bytes) {
                    values.set(digest, bank: bank, index: index)
                }
            }
            sets[bank] = PCRSet(PCRIndex.all.filter { extended[place] >> UInt32($0.rawValue) & 1 == 1 })
        }
        self.values = values
        self.extended = sets
        self.startupLocality = startupLocality
    }
}
