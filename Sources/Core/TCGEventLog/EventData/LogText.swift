/// Text out of event data, safe to print: an attacker chooses these bytes.
enum LogText {
    /// Longer texts are cut for display: above a kernel command line's limit (4096), far below a terminal's patience.
    static let maximumLength = 4096

    /// Escapes control characters, line separators, direction marks and what is not assigned, as `\u{…}`; cuts at
    /// ``maximumLength``.
    static func escape(_ text: String) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == maximumLength { return result + "…" }
            count += 1
            if isPrintable(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
        return result
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }

    /// UTF-8 up to the end or a terminating NUL; invalid sequences become U+FFFD. Not yet escaped.
    static func utf8(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.last == 0 ? bytes.dropLast() : bytes, as: UTF8.self)
    }

    static func codeUnits(_ bytes: ArraySlice<UInt8>) -> [UInt16] {
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        var index = bytes.startIndex
        while index + 1 < bytes.endIndex {
            units.append(UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)
            index += 2
        }
        return units
    }

    /// UTF-16LE without trailing NULs; lone surrogates become U+FFFD. Not yet escaped.
    static func utf16(_ bytes: ArraySlice<UInt8>) -> String {
        var units = codeUnits(bytes)
        while units.last == 0 { units.removeLast() }
        return String(decoding: units, as: UTF16.self)
    }

    /// Whether bytes read as UTF-16LE text of a firmware or boot loader: even, and mostly of the Latin block.
    static func looksLikeUTF16(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count >= 4, bytes.count % 2 == 0 else { return false }
        let units = codeUnits(bytes)
        let latin = units.count { (0x20..<0x7F).contains($0) || $0 == 0x0A }
        return latin * 4 >= units.count { $0 != 0 } * 3 && units[0] != 0
    }

    /// Whether bytes are printable ASCII, a final NUL aside.
    static func looksLikeASCII(_ bytes: ArraySlice<UInt8>) -> Bool {
        let text = bytes.last == 0 ? bytes.dropLast() : bytes
        return !text.isEmpty && text.allSatisfy { (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x09 }
    }

    /// The text that the bytes seem to be, escaped; nil for binary data.
    static func display(_ bytes: ArraySlice<UInt8>) -> String? {
        // Names in fields of fixed size are filled up with NULs.
        let text = bytes[..<(bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? bytes.startIndex)]
        if looksLikeASCII(text) { return escape(utf8(text)) }
        if looksLikeUTF16(bytes) { return escape(utf16(bytes)) }
        return nil
    }
}
