import ByteParsing
import TPMStructures

/// The file that `tpm2_quote --pcr` writes in its default form `serialized` (tpm2-tools, lib/pcr.c): the C structures
/// TPML_PCR_SELECTION and an array of TPML_DIGEST as they lie in memory, integers little-endian.
enum TPM2ToolsPCRFile {
    /// TPML_PCR_SELECTION: a count, then 16 entries of 8 bytes whatever the count.
    private static let maximumSelections = 16
    /// Digests of one TPML_DIGEST, whatever its count; each a size and 64 bytes.
    private static let digestsPerList = 8
    private static let digestSpace = 64
    /// Lists that 16 banks of 24 registers fill.
    private static let maximumLists = 48

    static func parse(_ bytes: [UInt8]) throws(ParsingError) -> PCRValues {
        var reader = ByteReader(bytes.span)
        var selected: [(PCRBank, [PCRIndex])] = []
        let count = try reader.readLittleEndian(UInt32.self, "TPML_PCR_SELECTION.count")
        guard count <= maximumSelections else {
            throw reader.error(
                "TPML_PCR_SELECTION.count", back: 4,
                .outOfRange(value: UInt64(count), limit: UInt64(maximumSelections)))
        }
        for index in 0..<maximumSelections {
            let hash = try reader.readLittleEndian(UInt16.self, "TPMS_PCR_SELECTION[\(index)].hash")
            let size = try reader.readUInt8("TPMS_PCR_SELECTION[\(index)].sizeofSelect")
            let bitmap = try reader.readBytes(4, "TPMS_PCR_SELECTION[\(index)].pcrSelect")
            try reader.skip(1, "TPMS_PCR_SELECTION[\(index)]")
            guard index < count else { continue }
            guard let bank = PCRBank(TPMAlgID(rawValue: hash)), size == TPMLPCRSelection.sizeOfSelect else {
                throw reader.error(
                    "TPMS_PCR_SELECTION[\(index)]", back: 8, .malformed("hash \(hash), sizeofSelect \(size)"))
            }
            let indices = PCRIndex.all.filter { bitmap[Int($0.rawValue / 8)] >> ($0.rawValue % 8) & 1 == 1 }
            selected.append((bank, indices))
        }
        let digests = try readDigests(&reader)
        let registers = selected.flatMap { bank, indices in indices.map { (bank, $0) } }
        guard digests.count == registers.count else {
            throw reader.error(
                "TPML_DIGEST", .malformed("\(digests.count) digests for \(registers.count) selected registers"))
        }
        var values = PCRValues()
        for ((bank, index), bytes) in zip(registers, digests) {
            guard let digest = Digest(algorithm: bank, bytes: bytes), values.set(digest, bank: bank, index: index)
            else {
                throw reader.error(
                    "TPML_DIGEST", .malformed("\(bytes.count) bytes are no \(bank) digest (PCR \(index))"))
            }
        }
        return values
    }

    private static func readDigests(_ reader: inout ByteReader) throws(ParsingError) -> [[UInt8]] {
        let lists = try reader.readLittleEndian(UInt32.self, "TPML_DIGEST lists")
        guard lists <= maximumLists else {
            throw reader.error(
                "TPML_DIGEST lists", back: 4, .outOfRange(value: UInt64(lists), limit: UInt64(maximumLists)))
        }
        var digests: [[UInt8]] = []
        for list in 0..<lists {
            let count = try reader.readLittleEndian(UInt32.self, "TPML_DIGEST[\(list)].count")
            guard count <= digestsPerList else {
                throw reader.error(
                    "TPML_DIGEST[\(list)].count", back: 4,
                    .outOfRange(value: UInt64(count), limit: UInt64(digestsPerList)))
            }
            for index in 0..<digestsPerList {
                let size = try reader.readLittleEndian(UInt16.self, "TPML_DIGEST[\(list)].digests[\(index)].size")
                let space = try reader.readBytes(digestSpace, "TPML_DIGEST[\(list)].digests[\(index)]")
                guard index < count else { continue }
                guard size <= digestSpace else {
                    throw reader.error(
                        "TPML_DIGEST[\(list)].digests[\(index)].size", back: digestSpace + 2,
                        .outOfRange(value: UInt64(size), limit: UInt64(digestSpace)))
                }
                digests.append(Array(space.prefix(Int(size))))
            }
        }
        try reader.expectEnd("TPML_DIGEST")
        return digests
    }
}
