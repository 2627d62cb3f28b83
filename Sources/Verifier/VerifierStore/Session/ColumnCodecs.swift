internal import AttestationMessages
internal import ByteParsing
internal import Foundation
internal import TPMStructures

extension [UInt8] {
    /// The column form of bytes.
    var data: Data { Data(self) }
}

/// JSON in text columns: sorted keys, so that equal values have equal texts.
enum JSONText {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}

/// Short words without commas (reason codes, layers, roles, banks).
enum CompactList {
    static func encode(_ words: [String]) -> String { words.joined(separator: ",") }
    static func decode(_ text: String) -> [String] { text.isEmpty ? [] : text.split(separator: ",").map(String.init) }
}

/// Byte strings one after the other, each behind its length (32 bits, big-endian).
enum ByteStrings {
    static func encode(_ strings: [[UInt8]]) -> [UInt8] {
        var writer = ByteWriter()
        for string in strings {
            writer.writeBigEndian(UInt32(clamping: string.count))
            writer.write(string)
        }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) -> [[UInt8]]? {
        var reader = ByteReader(bytes.span)
        var strings: [[UInt8]] = []
        do {
            while !reader.isAtEnd {
                let count = try reader.readBigEndian(UInt32.self, "byte string size")
                strings.append(try reader.readBytes(Int(count), "byte string"))
            }
        } catch { return nil }
        return strings
    }
}

/// A PCR selection as the hexadecimal digits of its TPML_PCR_SELECTION.
enum SelectionText {
    static func encode(_ selection: TPMLPCRSelection) -> String { Hex.encode(selection.marshalled) }

    static func decode(_ text: String) -> TPMLPCRSelection? {
        Hex.decode(text).flatMap { try? TPMLPCRSelection(marshalled: $0) }
    }
}
