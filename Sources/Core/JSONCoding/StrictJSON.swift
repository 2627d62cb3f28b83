internal import FoundationEssentials

/// JSON in both directions, without the laxities of Foundation's coders.
///
/// JSONDecoder alone reads duplicate keys (and keeps the first), trailing commas and `1.0` for an integer, ignores unknown
/// keys, and stops only at a depth of 512: catalogue RV-02 and TA-10.
public enum StrictJSON {
    /// What becomes of keys that `Value` does not have.
    public enum UnknownKeys: Hashable, Sendable {
        /// Read over: messages of a newer minor version stay readable.
        case ignored
        /// Refused, naming the key: documents in which a misspelt key would silently switch a rule off.
        case refused
    }

    /// Decodes a document from its exact bytes.
    ///
    /// Guarantees: the bytes are one JSON value within `limits`, UTF-8, every object's keys are distinct, every number is an
    /// integer of 64 bits (unless the limits allow fractions). Nothing is allocated for more than the document's own size.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], limits: StrictJSONLimits = .message
    ) throws(StrictJSONError) -> Value {
        try StrictJSONScanner.check(bytes, limits: limits)
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw StrictJSONError(error)
        } catch {
            throw StrictJSONError(.value("\(error)"))
        }
    }

    /// As ``decode(_:from:limits:)``, and refuses or ignores keys that `Value` does not have.
    ///
    /// A key counts as known when encoding the decoded value writes it again, or when it holds null. `Value` must
    /// therefore encode every key that it decodes.
    public static func decode<Value: Codable>(
        _ type: Value.Type, from bytes: [UInt8], limits: StrictJSONLimits = .message, unknownKeys: UnknownKeys
    ) throws(StrictJSONError) -> Value {
        let value = try decode(type, from: bytes, limits: limits)
        guard unknownKeys == .refused else { return value }
        let given = try decode(KeyTree.self, from: bytes, limits: limits)
        let known = try decode(KeyTree.self, from: try encode(value), limits: Self.unlimited)
        if let unknown = given.firstKey(notIn: known, path: "") {
            throw StrictJSONError(.unknownKey(unknown.key), path: unknown.path)
        }
        return value
    }

    /// Encodes with sorted keys and without escaped slashes: equal values give equal bytes.
    public static func encode(_ value: some Encodable, pretty: Bool = false) throws(StrictJSONError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(value))
        } catch {
            throw StrictJSONError(.value("\(error)"))
        }
    }

    private static let unlimited = StrictJSONLimits(
        maxBytes: .max, maxDepth: 512, maxValues: .max, allowsFractions: true)
}

extension StrictJSONError {
    init(_ error: DecodingError) {
        func path(_ codingPath: [any CodingKey]) -> String {
            codingPath.reduce(into: "") { text, key in
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
                }
            }
        }
        switch error {
        case .keyNotFound(let key, let context):
            self.init(.missingKey(key.stringValue), path: path(context.codingPath))
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            self.init(.value(context.debugDescription), path: path(context.codingPath))
        @unknown default:
            self.init(.value("cannot be decoded"))
        }
    }
}

/// The keys of a document, without its values.
private indirect enum KeyTree: Decodable {
    case null
    case leaf
    case array([KeyTree])
    case object([String: KeyTree])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // Strings first: they are most of a document, and each attempt that fails costs an error value.
        if (try? container.decode(String.self)) != nil {
            self = .leaf
        } else if container.decodeNil() {
            self = .null
        } else if let members = try? container.decode([String: KeyTree].self) {
            self = .object(members)
        } else if let elements = try? container.decode([KeyTree].self) {
            self = .array(elements)
        } else {
            self = .leaf
        }
    }

    func firstKey(notIn known: KeyTree, path: String) -> (key: String, path: String)? {
        switch (self, known) {
        case (.object(let members), .object(let knownMembers)):
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                if case .null = member { continue }
                guard let knownMember = knownMembers[key] else { return (key, path) }
                let inner = path.isEmpty ? key : "\(path).\(key)"
                if let unknown = member.firstKey(notIn: knownMember, path: inner) { return unknown }
            }
            return nil
        case (.array(let elements), .array(let knownElements)):
            for (index, (element, knownElement)) in zip(elements, knownElements).enumerated() {
                if let unknown = element.firstKey(notIn: knownElement, path: "\(path)[\(index)]") { return unknown }
            }
            return nil
        default:
            return nil
        }
    }
}
