internal import JSONCoding

/// Why a report or a baseline was refused.
public enum FingerprintError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The document is no strict JSON of the expected form; the text names the place.
    case malformed(String)
    /// The document is of another kind or version than expected.
    case unexpected(field: String, value: String)
    /// The same content has other canonical bytes: order, blanks, escapes, duplicates or unknown keys differ. The offset
    /// is that of the first byte that differs.
    case notCanonical(offset: Int)
    case tooLarge(what: String, count: Int, limit: Int)
    case badPattern(String, reason: String)

    init(_ error: StrictJSONError) { self = .malformed(error.description) }

    public var description: String {
        switch self {
        case .malformed(let detail): "fingerprint document: \(detail)"
        case .unexpected(let field, let value): "fingerprint document: \(field) is \(value)"
        case .notCanonical(let offset): "fingerprint report at offset \(offset): not in canonical form"
        case .tooLarge(let what, let count, let limit): "fingerprint document: \(count) \(what), at most \(limit)"
        case .badPattern(let pattern, let reason): "allow rule \"\(pattern.prefix(64))\": \(reason)"
        }
    }
}
