/// ArcSight Common Event Format, version 0: seven header fields between bars, then `key=value` pairs.
///
/// Values come back from a parser as they were, except that control characters other than line feed and carriage return
/// appear in their printable form (``SecurityEventText/printable(_:)``): CEF has no escape for them. The JSON body is exact.
public enum CEFEncoder {
    /// - Parameter productVersion: of the verifier.
    public static func encode(
        _ event: SecurityEvent, productVersion: String, limits: SecurityEventLimits = .syslog
    ) -> [UInt8] {
        let header = [
            "CEF:0", "Bootgate", "bootgate-verifier", escapedHeader(productVersion), escapedHeader(event.eventID),
            escapedHeader(SecurityEventCatalogue.entry(event.eventID).title), String(severity(event.severity)),
        ].joined(separator: "|")
        // Keys of the CEF dictionary where it has one; node's own fields are custom strings under their own names.
        var pairs: [(String, String)] = [
            ("externalId", event.uniqueID), ("rt", String(event.atMilliseconds)), ("outcome", event.outcome),
            ("bootgateSequence", String(event.sequence)),
        ]
        if let node = event.node { pairs.append(("dhost", node)) }
        if let site = event.site { pairs.append(("bootgateSite", site)) }
        if let actor = event.actor { pairs.append(("suser", actor)) }
        var text =
            header + "|"
            + pairs.map { $0.0 + "=" + escapedValue($0.1, SecurityEventLimits.nameBytes) }.joined(separator: " ")
        text += " msg=" + escapedValue(event.message, limits.valueBytes)
        var left = 0
        for (key, value) in event.fields.sorted(by: { $0.key < $1.key }) {
            let pair = " bootgate." + cleanKey(key) + "=" + escapedValue(value, limits.valueBytes)
            if text.utf8.count + pair.utf8.count + 32 < limits.totalBytes { text += pair } else { left += 1 }
        }
        if left > 0 { text += " bootgate.fieldsCut=\(left)" }
        return Array(text.utf8)
    }

    /// 0–3 low, 4–6 medium, 7–8 high, 9–10 very high.
    public static func severity(_ severity: SecurityEventSeverity) -> Int {
        switch severity {
        case .info: 1
        case .low: 3
        case .medium: 5
        case .high: 8
        case .critical: 10
        }
    }

    private static func escapedHeader(_ text: String) -> String {
        escaped(text, SecurityEventLimits.nameBytes, special: "|")
    }

    private static func escapedValue(_ text: String, _ limit: Int) -> String { escaped(text, limit, special: "=") }

    private static func escaped(_ text: String, _ limit: Int, special: Unicode.Scalar) -> String {
        SecurityEventText.encoded(text, limit: limit) { scalar in
            switch scalar {
            case "\\": "\\\\"
            case special: "\\" + String(special)
            case "\n": "\\n"
            case "\r": "\\r"
            // The printable form's own backslash is text, so it is escaped like any other.
            case _ where SecurityEventText.isControl(scalar):
                "\\" + SecurityEventText.printable(String(scalar))
            default: String(scalar)
            }
        }
    }

    private static func cleanKey(_ key: String) -> String {
        let allowed = key.unicodeScalars.prefix(64).map { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)) ? scalar : "_"
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: allowed)
        return String(view)
    }
}
