/// Text of others in lines of ours: no control character gets through (catalogue TA-16).
enum EscapedText {
    static func line(_ text: String) -> String { escape(text, quote: nil) }

    /// A quoted value: what JSON and logfmt both read.
    static func quoted(_ text: String) -> String { "\"" + escape(text, quote: "\"") + "\"" }

    private static func escape(_ text: String, quote: Unicode.Scalar?) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\" where quote != nil: escaped += "\\\\"
            case "\"" where quote != nil: escaped += "\\\""
            case "\n": escaped += "\\n"
            case "\t": escaped += "\\t"
            // C0, DEL, C1, and the line and paragraph separators.
            case _
            where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                || (0x2028...0x2029).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
