/// Why a JSON document was refused: the place in the bytes where the text is at fault, the path where a value is.
public struct StrictJSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: Hashable, Sendable {
        /// The text is no JSON (RFC 8259): what was found where something else was due.
        case syntax(String)
        /// The document ends before its value does.
        case truncated
        /// Bytes follow where the document's value ends.
        case trailingBytes
        /// Not UTF-8, a raw control character in a string, or a lone surrogate.
        case badText(String)
        /// One object holds this key twice.
        case duplicateKey(String)
        /// A number that is no integer of 64 bits.
        case number(String)
        /// More than a limit allows.
        case tooLarge(what: String, limit: Int)
        /// A key that the document's type does not have.
        case unknownKey(String)
        /// A key that the document's type needs.
        case missingKey(String)
        /// A value that its key cannot have.
        case value(String)
    }

    public let problem: Problem
    /// Offset in bytes from the document's start; nil where the text is sound and a value is at fault.
    public let offset: Int?
    /// `pcrs[3].events[0].name`; empty for the document itself, or while the text is at fault.
    public let path: String

    public init(_ problem: Problem, offset: Int? = nil, path: String = "") {
        self.problem = problem
        self.offset = offset
        self.path = path
    }

    public var description: String {
        let place =
            if let offset { "at offset \(offset)" } else if path.isEmpty { "the document" } else { path }
        return switch problem {
        case .syntax(let reason): "\(place): \(reason)"
        case .truncated: "\(place): the document ends before its value does"
        case .trailingBytes: "\(place): bytes follow where the document ends"
        case .badText(let reason): "\(place): \(reason)"
        case .duplicateKey(let key): "\(place): the key \"\(key)\" occurs twice in one object"
        case .number(let reason): "\(place): \(reason)"
        case .tooLarge(let what, let limit): "\(place): more than \(limit) \(what)"
        case .unknownKey(let key): "\(place): unknown key \"\(key)\""
        case .missingKey(let key): "\(place): the key \"\(key)\" is missing"
        case .value(let reason): "\(place): \(reason)"
        }
    }
}
