public import ByteParsing

/// One bank and the registers chosen in it (Part 2, section 10.6.2, TPMS_PCR_SELECTION).
public struct TPMSPCRSelection: Hashable, Sendable {
    public var bank: PCRBank
    /// Empty where a TPM says that the bank is not allocated.
    public var pcrs: PCRSet

    public init(bank: PCRBank, pcrs: PCRSet) {
        self.bank = bank
        self.pcrs = pcrs
    }
}

/// A list of PCR selections, in the order in which the TPM concatenates the values (Part 2, section 10.9.7,
/// TPML_PCR_SELECTION).
///
/// Guarantees: at most 16 entries, one for each bank. `sizeofSelect` must be 3: the PC Client profile has 24 registers
/// (PTP, "PCR Requirements"), TPMs echo what was asked and we ask with 3; any other size is a crafted structure.
public struct TPMLPCRSelection: Hashable, Sendable {
    /// HASH_COUNT of the library specification's reference.
    public static let maxCount = 16
    public static let sizeOfSelect = 3

    public let selections: [TPMSPCRSelection]

    /// - Returns: nil for more than 16 entries or for two entries of one bank.
    public init?(_ selections: [TPMSPCRSelection]) {
        guard selections.count <= Self.maxCount, Set(selections.map(\.bank)).count == selections.count else {
            return nil
        }
        self.selections = selections
    }

    /// The same registers in each bank; the banks in ascending order of their algorithm identifiers.
    public init(_ pcrs: PCRSet, banks: Set<PCRBank>) {
        selections = banks.sorted().map { TPMSPCRSelection(bank: $0, pcrs: pcrs) }
    }

    public subscript(bank: PCRBank) -> PCRSet? { selections.first { $0.bank == bank }?.pcrs }

    /// True when no register of any bank is chosen.
    public var isEmpty: Bool { selections.allSatisfy(\.pcrs.isEmpty) }

    /// What an honest TPM signs for this selection when just `allocated` banks exist: it keeps every entry and clears
    /// the registers of banks that are not allocated (Part 3, TPM2_Quote).
    public func limited(toAllocated allocated: Set<PCRBank>) -> TPMLPCRSelection {
        var copy = selections
        for index in copy.indices where !allocated.contains(copy[index].bank) { copy[index].pcrs = PCRSet() }
        return TPMLPCRSelection(unchecked: copy)
    }

    /// The same entries, with one register more in those of `banks`.
    public func adding(_ pcr: PCRIndex, in banks: Set<PCRBank>) -> TPMLPCRSelection {
        var copy = selections
        for index in copy.indices where banks.contains(copy[index].bank) { copy[index].pcrs.insert(pcr) }
        return TPMLPCRSelection(unchecked: copy)
    }

    private init(unchecked selections: [TPMSPCRSelection]) { self.selections = selections }

    init(reading reader: inout ByteReader) throws(ParsingError) {
        let count: UInt32 = try reader.readBigEndian("TPML_PCR_SELECTION.count")
        guard count <= Self.maxCount else {
            throw reader.error(
                "TPML_PCR_SELECTION.count", back: 4, .outOfRange(value: UInt64(count), limit: UInt64(Self.maxCount)))
        }
        var list: [TPMSPCRSelection] = []
        for index in 0..<Int(count) {
            let bank = try HashAlgorithm(reading: &reader, "TPML_PCR_SELECTION[\(index)].hash")
            guard !list.contains(where: { $0.bank == bank }) else {
                throw reader.error(
                    "TPML_PCR_SELECTION[\(index)].hash", back: 2, .malformed("a second entry for bank \(bank)"))
            }
            let size = try reader.readUInt8("TPML_PCR_SELECTION[\(index)].sizeofSelect")
            guard size == Self.sizeOfSelect else {
                throw reader.error(
                    "TPML_PCR_SELECTION[\(index)].sizeofSelect", back: 1,
                    .outOfRange(value: UInt64(size), limit: UInt64(Self.sizeOfSelect)))
            }
            var bits: UInt32 = 0
            for octet in 0..<UInt32(Self.sizeOfSelect) {
                bits |= UInt32(try reader.readUInt8("TPML_PCR_SELECTION[\(index)].pcrSelect")) << (8 * octet)
            }
            list.append(TPMSPCRSelection(bank: bank, pcrs: PCRSet(bits: bits) ?? PCRSet()))
        }
        selections = list
    }

    func write(to writer: inout ByteWriter) {
        writer.writeBigEndian(UInt32(selections.count))
        for selection in selections {
            writer.writeBigEndian(selection.bank.algorithmID.rawValue)
            writer.writeBigEndian(UInt8(Self.sizeOfSelect))
            for octet in 0..<UInt32(Self.sizeOfSelect) {
                writer.writeBigEndian(UInt8(truncatingIfNeeded: selection.pcrs.bits >> (8 * octet)))
            }
        }
    }

    /// Reads a TPML_PCR_SELECTION and nothing after it.
    public init(marshalled bytes: [UInt8]) throws(ParsingError) {
        var reader = ByteReader(bytes.span)
        try self.init(reading: &reader)
        try reader.expectEnd("TPML_PCR_SELECTION")
    }

    public var marshalled: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 4 + 6 * selections.count)
        write(to: &writer)
        return writer.bytes
    }
}
