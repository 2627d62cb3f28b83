/// A path or name as a node's kernel wrote it, safe to print. Whoever makes a file chooses these bytes.
enum PathText {
    /// Bytes that are shown: a node chooses its names, and findings are stored.
    private static let maximumBytes = 1024

    /// Printable text as it is; control characters, direction marks and what is not UTF-8 as `\xHH` for each byte, the
    /// backslash as `\\`: two different paths never look alike by their escapes.
    static func escaped(_ path: [UInt8]) -> String {
        var text = ""
        var rest = path.prefix(maximumBytes)[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            let part = rest.prefix(length)
            if first == UInt8(ascii: "\\") {
                text += "\\\\"
                rest = rest.dropFirst()
            } else if let character = String(validating: part, as: UTF8.self),
                let scalar = character.unicodeScalars.first, isPrintable(scalar)
            {
                text += character
                rest = rest.dropFirst(length)
            } else {
                let digits = String(first, radix: 16)
                text += "\\x" + (digits.count == 1 ? "0" : "") + digits
                rest = rest.dropFirst()
            }
        }
        return path.count > maximumBytes ? text + "…" : text
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
