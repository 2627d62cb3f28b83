internal import ByteParsing
package import TPMStructures

/// Register values as they travel (hex by bank and index) and as they are stored (entries of algorithm, index, digest).
package enum PCRValueCodec {
    /// - Returns: nil for an unknown bank, an index above 23, or a digest that is not the bank's.
    package static func decode(wire: [String: [String: String]]) -> PCRValues? {
        var values = PCRValues()
        for (bankName, registers) in wire {
            guard let bank = PCRBank(rawValue: bankName), registers.count <= PCRIndex.count else { return nil }
            for (indexText, hex) in registers {
                guard let number = Int(indexText), let index = PCRIndex(number), let bytes = Hex.decode(hex),
                    let digest = Digest(algorithm: bank, bytes: bytes), values.set(digest, bank: bank, index: index)
                else { return nil }
            }
        }
        return values
    }

    package static func wire(_ values: PCRValues) -> [String: [String: String]] {
        var wire: [String: [String: String]] = [:]
        for (bank, registers) in values.banks {
            wire[bank.name] = registers.reduce(into: [:]) { $0[$1.key.description] = $1.value.hex }
        }
        return wire
    }

    package static func encode(_ values: PCRValues) -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 4096)
        for (bank, registers) in values.banks.sorted(by: { $0.key < $1.key }) {
            for (index, digest) in registers.sorted(by: { $0.key < $1.key }) {
                writer.writeBigEndian(bank.algorithmID.rawValue)
                writer.writeBigEndian(index.rawValue)
                writer.write(digest.bytes)
            }
        }
        return writer.bytes
    }

    package static func decode(stored bytes: [UInt8]) -> PCRValues? {
        var reader = ByteReader(bytes.span)
        var values = PCRValues()
        do {
            while !reader.isAtEnd {
                let algorithm: UInt16 = try reader.readBigEndian("stored PCR bank")
                let number = try reader.readUInt8("stored PCR index")
                guard let bank = PCRBank(TPMAlgID(rawValue: algorithm)), let index = PCRIndex(number) else {
                    return nil
                }
                let digest = Digest(algorithm: bank, bytes: try reader.readBytes(bank.digestSize, "stored PCR"))
                guard let digest, values.set(digest, bank: bank, index: index) else { return nil }
            }
        } catch { return nil }
        return values
    }
}
