import ByteParsing
import JSONCoding
import TPMStructures

/// Register values as text: what `tpm2_pcrread` prints (YAML), or JSON `{"sha256":{"0":"hex"}}`.
enum PCRTable {
    typealias Hexadecimal = [String: [String: String]]

    static func parse(_ bytes: [UInt8]) throws -> PCRValues {
        if bytes.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{") {
            return try values(StrictJSON.decode(Hexadecimal.self, from: bytes))
        }
        return try yaml(bytes)
    }

    static func values(_ table: Hexadecimal) throws(ParsingError) -> PCRValues {
        var values = PCRValues()
        for (name, registers) in table.sorted(by: { $0.key < $1.key }) {
            for (text, hex) in registers.sorted(by: { $0.key < $1.key }) {
                try set(&values, name, text, hex, offset: 0)
            }
        }
        return values
    }

    /// Lower-case hexadecimal by bank and index.
    static func hexadecimal(_ values: PCRValues, _ isShown: (PCRBank, PCRIndex) -> Bool = { _, _ in true })
        -> Hexadecimal
    {
        var table: Hexadecimal = [:]
        for (bank, registers) in values.banks {
            for (index, digest) in registers where isShown(bank, index) {
                table[bank.name, default: [:]][index.description] = digest.hex
            }
        }
        return table
    }

    /// `bank:` lines, each followed by `index: 0xHEX` lines; indentation does not matter.
    private static func yaml(_ bytes: [UInt8]) throws(ParsingError) -> PCRValues {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ParsingError(field: "PCR table", offset: 0, problem: .malformed("not UTF-8"))
        }
        var values = PCRValues()
        var bank = ""
        var offset = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            defer { offset += line.utf8.count + 1 }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
            if parts == [""] { continue }
            guard parts.count == 2 else {
                throw ParsingError(field: "PCR table", offset: offset, problem: .malformed("a line without a colon"))
            }
            if parts[1].isEmpty {
                bank = parts[0]
            } else {
                let digits = parts[1].hasPrefix("0x") ? String(parts[1].dropFirst(2)) : parts[1]
                try set(&values, bank, parts[0], digits, offset: offset)
            }
        }
        return values
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" || character == "\r" }
        return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }

    private static func set(
        _ values: inout PCRValues, _ name: String, _ index: String, _ hex: String, offset: Int
    ) throws(ParsingError) {
        guard let bank = PCRBank(rawValue: name) else {
            throw ParsingError(field: "PCR table", offset: offset, problem: .malformed("unknown bank \"\(name)\""))
        }
        guard let number = Int(index), let pcr = PCRIndex(number) else {
            throw ParsingError(
                field: "PCR table", offset: offset, problem: .malformed("PCR \"\(index)\" is not 0 to 23"))
        }
        guard values[bank, pcr] == nil else {
            throw ParsingError(
                field: "PCR table", offset: offset, problem: .malformed("\(bank) PCR \(pcr) occurs twice"))
        }
        guard let bytes = Hex.decode(hex), let digest = Digest(algorithm: bank, bytes: bytes) else {
            throw ParsingError(
                field: "PCR table", offset: offset, problem: .malformed("no \(bank) digest for PCR \(pcr)"))
        }
        values.set(digest, bank: bank, index: pcr)
    }
}
