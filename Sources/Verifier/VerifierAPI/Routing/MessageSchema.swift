internal import AttestationMessages

/// JSON Schemas of messages, learnt from how each type decodes itself: the description cannot say anything else than what
/// the code reads and writes. Every message is described by type, required members and the type of each member; objects
/// are components of their own.
struct MessageSchema {
    /// Component name → schema.
    private(set) var components: [String: JSONValue] = [:]

    /// A component's name: `Page<NodeView>` is `Page_NodeView_`.
    static func name(_ type: String) -> String {
        String(type.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }

    static func reference(_ type: String) -> JSONValue {
        .object(["$ref": .string("#/components/schemas/\(name(type))")])
    }

    /// The schema of a value of this type; objects are added to the components.
    /// - Throws: for a type whose decoding does not follow its members; the route table's own types do.
    mutating func schema<Value: Decodable>(of type: Value.Type) throws -> (schema: JSONValue, sample: Value) {
        if let scalar = type as? any SchemaScalar.Type, let sample = scalar.schemaSample as? Value {
            return (.object(scalar.jsonSchema), sample)
        }
        if type == NodeID.self, let sample = NodeID("n") as? Value {
            return (.object(Self.nodeID), sample)
        }
        if let list = type as? any SchemaList.Type, let sample = list.empty as? Value {
            return (.object(["type": .string("array"), "items": try schema(of: list.element).schema]), sample)
        }
        if let map = type as? any SchemaMap.Type, let sample = map.empty as? Value {
            var object: [String: JSONValue] = [
                "type": .string("object"), "additionalProperties": try schema(of: map.value).schema,
            ]
            if let keys = Self.cases(map.key) { object["propertyNames"] = .object(["enum": .array(keys.names)]) }
            return (.object(object), sample)
        }
        if let cases = Self.cases(type), let sample = cases.first as? Value {
            return (.object(["type": .string("string"), "enum": .array(cases.names)]), sample)
        }
        let title = "\(type)"
        let recorder = SchemaRecorder(self)
        let sample = try Value(from: recorder)
        self = recorder.schema
        components[Self.name(title)] = .object([
            "title": .string(title), "type": .string("object"), "properties": .object(recorder.properties),
            "required": .array(recorder.required.sorted().map(JSONValue.string)),
        ])
        return (Self.reference(title), sample)
    }

    private static let nodeID: [String: JSONValue] = [
        "type": .string("string"), "pattern": .string("^[a-z0-9][a-z0-9-]{0,62}$"),
    ]

    /// The raw values of an enumeration of words.
    private static func cases(_ type: Any.Type) -> (names: [JSONValue], first: Any)? {
        guard let words = type as? any CaseIterable.Type else { return nil }
        func values<Words: CaseIterable>(_: Words.Type) -> [Any] { Array(Words.allCases) }
        let values = values(words)
        let names = values.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
        guard let first = values.first, names.count == values.count else { return nil }
        return (names.map(JSONValue.string), first)
    }
}

/// A value that is one JSON string, number or boolean, or any JSON at all.
private protocol SchemaScalar {
    static var jsonSchema: [String: JSONValue] { get }
    static var schemaSample: Self { get }
}

extension Bool: SchemaScalar {
    static var jsonSchema: [String: JSONValue] { ["type": .string("boolean")] }
    static var schemaSample: Bool { false }
}
extension String: SchemaScalar {
    static var jsonSchema: [String: JSONValue] { ["type": .string("string")] }
    static var schemaSample: String { "" }
}
extension Int: SchemaScalar {
    static var jsonSchema: [String: JSONValue] { ["type": .string("integer")] }
    static var schemaSample: Int { 0 }
}
extension Int64: SchemaScalar {
    static var jsonSchema: [String: JSONValue] { ["type": .string("integer"), "format": .string("int64")] }
    static var schemaSample: Int64 { 0 }
}
extension UInt32: SchemaScalar {
    static var jsonSchema: [String: JSONValue] { ["type": .string("integer"), "minimum": .integer(0)] }
    static var schemaSample: UInt32 { 0 }
}
extension UInt64: SchemaScalar {
    static var jsonSchema: [String: JSONValue] { ["type": .string("integer"), "minimum": .integer(0)] }
    static var schemaSample: UInt64 { 0 }
}
extension WireBytes: SchemaScalar {
    static var jsonSchema: [String: JSONValue] {
        [
            "type": .string("string"), "pattern": .string("^[A-Za-z0-9_-]*$"),
            "description": .string("base64url without padding"),
        ]
    }
    static var schemaSample: WireBytes { WireBytes([]) }
}
extension JSONValue: SchemaScalar {
    static var jsonSchema: [String: JSONValue] { ["description": .string("any JSON")] }
    static var schemaSample: JSONValue { .null }
}
private protocol SchemaList {
    static var element: any Decodable.Type { get }
    static var empty: Self { get }
}
extension Array: SchemaList where Element: Decodable {
    static var element: any Decodable.Type { Element.self }
    static var empty: [Element] { [] }
}

private protocol SchemaMap {
    static var key: Any.Type { get }
    static var value: any Decodable.Type { get }
    static var empty: Self { get }
}
extension Dictionary: SchemaMap where Value: Decodable {
    static var key: Any.Type { Key.self }
    static var value: any Decodable.Type { Value.self }
    static var empty: [Key: Value] { [:] }
}
