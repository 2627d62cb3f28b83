public import AttestationMessages
import Foundation

/// The verifier's own OpenAPI document, and whether bodies are what it says.
public struct DescribedAPI: Sendable {
    public struct Operation: Sendable {
        public var method: String
        public var path: String
        public var fields: [String: JSONValue]

        /// Who may call: roles, `node`, `key-holder` or `anyone`.
        public var access: Set<String> {
            guard case .array(let names)? = fields["x-bootgate-access"] else { return [] }
            return Set(names.compactMap { if case .string(let name) = $0 { name } else { nil as String? } })
        }
    }
    public let operations: [Operation]
    private let components: [String: JSONValue]

    public init(_ document: [UInt8]) throws {
        let root = try JSONDecoder().decode([String: JSONValue].self, from: Data(document))
        components = root["components"]?.members["schemas"]?.members ?? [:]
        operations = (root["paths"]?.members ?? [:]).flatMap { path, methods in
            methods.members.map { Operation(method: $0.uppercased(), path: path, fields: $1.members) }
        }
    }

    /// What a body says that its description does not, and the reverse; empty when they agree.
    public func problems(ofReply body: [UInt8], status: Int, to method: String, _ path: String) -> [String] {
        guard let operation = operations.first(where: { $0.method == method && $0.path == path }) else {
            return ["\(method) \(path) is not described"]
        }
        let responses = operation.fields["responses"]?.members ?? [:]
        let content = (responses["\(status)"] ?? responses["default"])?.members["content"]?.members ?? [:]
        return problems(body, content, "\(method) \(path) \(status)")
    }

    public func problems(ofRequest body: [UInt8], to method: String, _ path: String) -> [String] {
        let operation = operations.first { $0.method == method && $0.path == path }
        let content = operation?.fields["requestBody"]?.members["content"]?.members ?? [:]
        return problems(body, content, "\(method) \(path) request")
    }

    // MARK: Bodies made of the description

    /// For each number of the operation's request a body that is as described but for that number, which is each of the
    /// given texts in turn. Empty where the request has no number.
    public func bodies(of operation: Operation, withIntegers texts: [String]) -> [String] {
        let content = operation.fields["requestBody"]?.members["content"]?.members["application/json"]
        guard let schema = content?.members["schema"] else { return [] }
        var leaves = 0
        _ = sample(schema, &leaves, marking: -1)
        return (0..<leaves).flatMap { leaf -> [String] in
            var counter = 0
            let body = sample(schema, &counter, marking: leaf)
            let text = String(decoding: (try? JSONEncoder().encode(body)) ?? Data(), as: UTF8.self)
            return texts.map { text.replacing("\(Self.mark)", with: $0) }
        }
    }

    private static let mark: Int64 = 987_654_321_987

    /// - Parameter leaves: numbers met so far; the one at `marked` becomes the mark.
    private func sample(_ schema: JSONValue, _ leaves: inout Int, marking marked: Int) -> JSONValue {
        var schema = schema.members
        if case .string(let reference)? = schema["$ref"] {
            schema = components[String(reference.split(separator: "/").last ?? "")]?.members ?? [:]
        }
        if case .array(let words)? = schema["enum"], let first = words.first { return first }
        switch schema["type"] {
        case .string("integer"):
            leaves += 1
            return .integer(leaves - 1 == marked ? Self.mark : 1)
        case .string("string"): return .string(schema["pattern"] == nil ? "x1" : "edge-1aa")
        case .string("boolean"): return .bool(true)
        case .string("array"): return .array([sample(schema["items"] ?? .null, &leaves, marking: marked)])
        case .string("object"):
            if let element = schema["additionalProperties"] {
                var key = "x1"
                if case .array(let names)? = schema["propertyNames"]?.members["enum"],
                    case .string(let name)? = names.first
                {
                    key = name
                }
                return .object([key: sample(element, &leaves, marking: marked)])
            }
            var object: [String: JSONValue] = [:]
            for (name, member) in (schema["properties"]?.members ?? [:]).sorted(by: { $0.key < $1.key }) {
                object[name] = sample(member, &leaves, marking: marked)
            }
            return .object(object)
        default: return .null
        }
    }

    private func problems(_ body: [UInt8], _ content: [String: JSONValue], _ place: String) -> [String] {
        guard let (type, media) = content.first, let schema = media.members["schema"] else {
            return ["\(place): no content is described"]
        }
        guard type.contains("json") else { return [] }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(body)) else {
            return ["\(place): no JSON"]
        }
        return problems(value, schema, place)
    }

    private func problems(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
        var schema = schema.members
        if case .string(let reference)? = schema["$ref"] {
            let name = String(reference.split(separator: "/").last ?? "")
            guard let component = components[name] else { return ["\(place): \(name) is not described"] }
            schema = component.members
        }
        if case .array(let words)? = schema["enum"], !words.contains(value) { return ["\(place): \(value) is no case"] }
        guard case .string(let type)? = schema["type"] else { return [] }
        switch (type, value) {
        case ("object", .object(let members)): return self.problems(members, schema, place)
        case ("array", .array(let elements)):
            return elements.enumerated().flatMap { self.problems($1, schema["items"] ?? .null, "\(place)[\($0)]") }
        case ("string", .string), ("integer", .integer), ("boolean", .bool): return []
        default: return ["\(place): \(value) is no \(type)"]
        }
    }

    private func problems(
        _ members: [String: JSONValue], _ schema: [String: JSONValue], _ place: String
    ) -> [String] {
        if let element = schema["additionalProperties"] {
            return members.flatMap { self.problems($1, element, "\(place).\($0)") }
        }
        guard let described = schema["properties"]?.members else { return [] }
        var found: [String] = []
        if case .array(let required)? = schema["required"] {
            for case .string(let name) in required where members[name] == nil {
                found.append("\(place): \(name) is missing")
            }
        }
        for (name, member) in members {
            guard let schema = described[name] else {
                found.append("\(place): \(name) is not described")
                continue
            }
            found += problems(member, schema, "\(place).\(name)")
        }
        return found
    }
}

extension JSONValue {
    /// An object's members; empty for anything else.
    public var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
}
