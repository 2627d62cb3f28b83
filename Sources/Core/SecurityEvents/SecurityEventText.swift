internal import ByteParsing

/// How large an encoded event may get. What is cut says so.
public struct SecurityEventLimits: Hashable, Sendable {
    /// Bytes of the message or of one field's value, escaped; the rest is replaced by `…[cut N bytes]`.
    public var valueBytes: Int
    /// Bytes of the encoded whole. Fields that no longer fit are left out and counted in `fieldsCut`.
    public var totalBytes: Int

    /// Bytes of a name (node, site, operator, id), escaped.
    public static let nameBytes = 160

    /// For syslog: receivers should take 8,192 bytes (RFC 5425, section 4.3.1), and rsyslog's default is 8 KiB.
    public static let syslog = SecurityEventLimits(valueBytes: 1_024, totalBytes: 8_192)
    /// For files.
    public static let file = SecurityEventLimits(valueBytes: 4_096, totalBytes: 65_536)

    public init(valueBytes: Int, totalBytes: Int) {
        self.valueBytes = valueBytes
        self.totalBytes = totalBytes
    }
}

/// Text from nodes on its way into an event.
public enum SecurityEventText {
    /// Text of raw bytes, file names for instance: valid UTF-8 as it is, every other byte as `\xNN`.
    public static func text(ofUntrusted bytes: [UInt8]) -> String {
        var text = ""
        var rest = bytes[...]
        while !rest.isEmpty {
            if let scalar = firstScalar(rest) {
                text.unicodeScalars.append(scalar)
                rest = rest.dropFirst(UTF8.width(scalar))
            } else {
                text += "\\x" + Hex.encode(rest.prefix(1))
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// The text without anything that moves a cursor, ends a line or a string: controls (C0, DEL, C1), the line and
    /// paragraph separators, and bidirectional controls become `\xNN` or `\u{NNNN}`. All else is unchanged.
    public static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if !isControl(scalar) {
                result.unicodeScalars.append(scalar)
            } else if scalar.value < 0x100 {
                result += "\\x" + Hex.encode([UInt8(truncatingIfNeeded: scalar.value)])
            } else {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
        return result
    }

    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// The text, each character through `encode`, cut where the encoded form would pass `limit` bytes; a cut says how many
    /// bytes of the text it left out.
    static func encoded(_ text: String, limit: Int, _ encode: (Unicode.Scalar) -> String) -> String {
        var result = ""
        var size = 0
        var used = 0
        for scalar in text.unicodeScalars {
            let piece = encode(scalar)
            guard size + piece.utf8.count <= limit else {
                let marker = "…[cut \(text.utf8.count - used) bytes]"
                return marker.unicodeScalars.reduce(into: result) { $0 += encode($1) }
            }
            result += piece
            size += piece.utf8.count
            used += UTF8.width(scalar)
        }
        return result
    }

    private static func firstScalar(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
        return scalar
    }
}

/// UTC time in RFC 3339's form with milliseconds: `2026-02-03T04:05:06.789Z`.
public enum SecurityEventTime {
    /// - Parameter milliseconds: since 1970; years 0001 to 9999, others are clamped to that range.
    public static func text(_ milliseconds: Int64) -> String {
        let clamped = min(max(milliseconds, -62_135_596_800_000), 253_402_300_799_999)
        let days = Int(clamped / 86_400_000) - (clamped % 86_400_000 < 0 ? 1 : 0)
        let inDay = Int(clamped - Int64(days) * 86_400_000)
        // Days to civil date, after Howard Hinnant's algorithm: the year starts in March, so leap days come last.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func digits(_ value: Int, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return digits(year, 4) + "-" + digits(month, 2) + "-" + digits(day, 2) + "T"
            + digits(inDay / 3_600_000, 2) + ":" + digits(inDay / 60_000 % 60, 2) + ":"
            + digits(inDay / 1_000 % 60, 2) + "." + digits(inDay % 1_000, 3) + "Z"
    }
}
