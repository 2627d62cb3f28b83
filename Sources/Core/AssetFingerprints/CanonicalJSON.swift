/// Writes the one byte form of a report: JSON with a fixed order of members, one entry a line, sorted by bytes.
///
/// An encoder of our own, so that the digest in a quote does not hang on how a version of Foundation spells JSON.
enum CanonicalJSON {
    /// `{"name":"bash",…}` without a line end.
    static func line(_ entry: some FingerprintEntry) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, field) in entry.fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            write(field.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            switch field.value {
            case .text(let text): write(text, to: &bytes)
            case .number(let number): bytes += Array(String(number).utf8)
            case .list(let texts): write(texts, to: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// `[` and `]` on lines of their own, an entry on each line between.
    static func write(lines: [[UInt8]], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, line) in lines.enumerated() {
            bytes += index == 0 ? [0x0A] : [UInt8(ascii: ","), 0x0A]
            bytes += line
        }
        bytes += lines.isEmpty ? [UInt8(ascii: "]")] : [0x0A, UInt8(ascii: "]")]
    }

    static func write(_ texts: [String], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            write(text, to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// A JSON string: the two characters that must be escaped, control characters as `\u00xx`, all else as it is.
    static func write(_ text: String, to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7F:
                bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
