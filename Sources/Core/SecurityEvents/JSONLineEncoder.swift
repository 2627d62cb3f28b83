internal import ByteParsing

/// One event as one line of JSON (RFC 8259), without its line feed. The exact form: control characters come back from any
/// JSON parser as they were; only what ``SecurityEventLimits`` cuts is lost, and says so.
public enum JSONLineEncoder {
    /// Key order is fixed; `fields` are sorted. Every character that could end a line or move a cursor is escaped.
    public static func encode(_ event: SecurityEvent, limits: SecurityEventLimits = .file) -> [UInt8] {
        let entry = SecurityEventCatalogue.entry(event.eventID)
        var writer = ObjectWriter(limits: limits)
        writer.add(name: "id", event.uniqueID)
        writer.add("sequence", integer: event.sequence)
        writer.add(name: "event", event.eventID)
        writer.add("severity", event.severity.rawValue)
        writer.add(name: "outcome", event.outcome)
        writer.add("at", SecurityEventTime.text(event.atMilliseconds))
        writer.add("atMilliseconds", integer: event.atMilliseconds)
        writer.add("title", entry.title)
        if let node = event.node { writer.add(name: "node", node) }
        if let site = event.site { writer.add(name: "site", site) }
        if let actor = event.actor { writer.add(name: "actor", actor) }
        writer.add("message", event.message)
        writer.add("nextStep", entry.nextStep)
        writer.addFields(event.fields)
        return writer.finish()
    }

    struct ObjectWriter {
        private var bytes: [UInt8] = [UInt8(ascii: "{")]
        private let limits: SecurityEventLimits
        /// For `],"fieldsCut":N}` at the end.
        private static let reserve = 40

        init(limits: SecurityEventLimits) { self.limits = limits }

        mutating func add(_ key: String, _ value: String) { append(key, quoted(value, limits.valueBytes)) }
        mutating func add(name key: String, _ value: String) {
            append(key, quoted(value, SecurityEventLimits.nameBytes))
        }
        mutating func add(_ key: String, integer: Int64) { append(key, Array(String(integer).utf8)) }

        mutating func addFields(_ fields: [String: String]) {
            guard !fields.isEmpty else { return }
            var object: [UInt8] = []
            var left = 0
            for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
                let member =
                    quoted(key, SecurityEventLimits.nameBytes) + [UInt8(ascii: ":")] + quoted(value, limits.valueBytes)
                guard bytes.count + object.count + member.count + Self.reserve < limits.totalBytes else {
                    left += 1
                    continue
                }
                if !object.isEmpty { object.append(UInt8(ascii: ",")) }
                object += member
            }
            append("fields", [UInt8(ascii: "{")] + object + [UInt8(ascii: "}")])
            if left > 0 { add("fieldsCut", integer: Int64(left)) }
        }

        func finish() -> [UInt8] { bytes + [UInt8(ascii: "}")] }

        private mutating func append(_ key: String, _ value: [UInt8]) {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            bytes += quoted(key, SecurityEventLimits.nameBytes) + [UInt8(ascii: ":")] + value
        }

        private func quoted(_ text: String, _ limit: Int) -> [UInt8] {
            let inner = SecurityEventText.encoded(text, limit: limit) { scalar in
                switch scalar {
                case "\"": "\\\""
                case "\\": "\\\\"
                case _ where SecurityEventText.isControl(scalar):
                    "\\u" + Hex.encode([UInt8(scalar.value >> 8 & 0xFF), UInt8(scalar.value & 0xFF)])
                default: String(scalar)
                }
            }
            return [UInt8(ascii: "\"")] + Array(inner.utf8) + [UInt8(ascii: "\"")]
        }
    }
}
