/// Text out of a list, safe to print: whoever named a file chose these bytes.
public enum IMAText {
    /// Longer names are cut for display.
    static let maximumLength = 4096

    /// One line: backslashes, control characters, line separators, direction marks and bytes that are no UTF-8 are
    /// escaped, so that different names look different.
    public static func escape(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes.prefix(maximumLength))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return bytes.reduce(into: "") { result, byte in
                if byte < 0x80 {
                    append(UnicodeScalar(byte), to: &result)
                } else {
                    result += "\\x" + String(byte, radix: 16)
                }
            }
        }
        return text.unicodeScalars.reduce(into: "") { append($1, to: &$0) }
    }

    private static func append(_ scalar: UnicodeScalar, to result: inout String) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        default:
            if scalar == "\\" { result += "\\\\" } else { result.unicodeScalars.append(scalar) }
        }
    }
}
