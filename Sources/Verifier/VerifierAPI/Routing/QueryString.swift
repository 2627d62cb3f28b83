internal import VerifierService

/// A request's query, read against what its route declares.
enum QueryString {
    static let longest = 2048

    /// - Throws: 400 `API_QUERY` for an undeclared or doubled name, a bad escape, or a value without its form.
    static func read(_ text: Substring, _ declared: [QueryParameter]) throws(ServiceError) -> [String: String] {
        guard text.utf8.count <= longest else { throw refusal("the query is longer than \(longest) bytes") }
        var values: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let parameter = declared.first(where: { $0.name == parts[0] }) else {
                throw refusal("the route has no such parameter")
            }
            guard parts.count == 2, let value = decode(parts[1]), ParameterPattern.accepts(value, parameter.form) else {
                throw refusal("\(parameter.name) does not have its form")
            }
            guard values.updateValue(value, forKey: parameter.name) == nil else {
                throw refusal("\(parameter.name) is given twice")
            }
        }
        return values
    }

    private static func refusal(_ detail: String) -> ServiceError { ServiceError(.syntax, "API_QUERY", detail) }

    /// Percent decoding; nil for a broken escape and for bytes that are not UTF-8. `+` stays what it is.
    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
