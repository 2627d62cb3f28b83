/// Syslog messages (RFC 5424) and their frames on TLS (RFC 5425, octet counting).
public struct SyslogEncoder: Hashable, Sendable {
    public enum Body: String, Hashable, Sendable, CaseIterable { case cef, json }

    /// The verifier's own host name; anything outside printable ASCII becomes `_`.
    public var hostname: String
    public var processID: String
    public var productVersion: String
    public var body: Body
    /// `name@enterpriseNumber` (RFC 5424, section 7). 32473 is IANA's number for examples: Bootgate has none of its own.
    public static let structuredDataID = "bootgate@32473"
    /// Facility 13, log audit.
    public static let facility = 13

    public init(hostname: String, processID: String, productVersion: String, body: Body) {
        self.hostname = hostname
        self.processID = processID
        self.productVersion = productVersion
        self.body = body
    }

    /// One SYSLOG-MSG. Time, severity and MSGID are the verifier's; values from nodes are only in the structured data's
    /// values and in the body, escaped. Never longer than ``SecurityEventLimits/syslog``'s total.
    public func message(_ event: SecurityEvent) -> [UInt8] {
        let priority = Self.facility * 8 + Self.severity(event.severity)
        var values: [(String, String)] = [
            ("id", event.uniqueID), ("sequence", String(event.sequence)), ("severity", event.severity.rawValue),
            ("outcome", event.outcome),
        ]
        if let node = event.node { values.append(("node", node)) }
        if let site = event.site { values.append(("site", site)) }
        if let actor = event.actor { values.append(("actor", actor)) }
        let parameters = values.map { " " + $0.0 + "=\"" + Self.escapedParameter($0.1) + "\"" }.joined()
        let head =
            "<\(priority)>1 \(SecurityEventTime.text(event.atMilliseconds)) \(Self.token(hostname, 255))"
            + " bootgate-verifier \(Self.token(processID, 128)) \(Self.token(event.eventID, 32))"
            + " [\(Self.structuredDataID)\(parameters)] "
        // The byte order mark says that the message is UTF-8 (RFC 5424, section 6.4).
        let prefix = Array(head.utf8) + [0xEF, 0xBB, 0xBF]
        let limits = SecurityEventLimits(
            valueBytes: SecurityEventLimits.syslog.valueBytes,
            totalBytes: SecurityEventLimits.syslog.totalBytes - prefix.count)
        switch body {
        case .cef: return prefix + CEFEncoder.encode(event, productVersion: productVersion, limits: limits)
        case .json: return prefix + JSONLineEncoder.encode(event, limits: limits)
        }
    }

    /// MSG-LEN SP SYSLOG-MSG: no byte of the message can end the frame.
    public func frame(_ event: SecurityEvent) -> [UInt8] {
        let message = message(event)
        return Array("\(message.count) ".utf8) + message
    }

    /// RFC 5424, table 2.
    public static func severity(_ severity: SecurityEventSeverity) -> Int {
        switch severity {
        case .info: 6
        case .low: 5
        case .medium: 4
        case .high: 3
        case .critical: 2
        }
    }

    /// PARAM-VALUE: quote, backslash and closing bracket are escaped; controls appear in their printable form.
    private static func escapedParameter(_ text: String) -> String {
        let printable = SecurityEventText.printable(text)
        return SecurityEventText.encoded(printable, limit: SecurityEventLimits.nameBytes) { scalar in
            scalar == "\"" || scalar == "\\" || scalar == "]" ? "\\" + String(scalar) : String(scalar)
        }
    }

    /// PRINTUSASCII of a header field; never empty.
    private static func token(_ text: String, _ limit: Int) -> String {
        let scalars = text.unicodeScalars.prefix(limit).map { scalar in
            (33...126).contains(scalar.value) ? scalar : Unicode.Scalar("_")
        }
        guard !scalars.isEmpty else { return "-" }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
