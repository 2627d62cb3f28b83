package import AttestationMessages
internal import HTTPTypes
internal import JSONCoding

/// The OpenAPI 3.1 description, made from the route table.
package enum OpenAPIDocument {
    package static func json(_ routes: [Route]) throws -> [UInt8] { try StrictJSON.encode(try value(routes)) }

    package static func value(_ routes: [Route]) throws -> JSONValue {
        var paths: [String: [String: JSONValue]] = [:]
        for route in routes {
            let method = route.method.rawValue.lowercased()
            // One path may be served by several listeners; the description names them all.
            let listeners = routes.filter { $0.path == route.path && $0.method == route.method }.map(
                \.listener.rawValue)
            guard paths[route.path]?[method] == nil else { continue }
            paths[route.path, default: [:]][method] = .object(operation(route, listeners: listeners))
        }
        return .object([
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("Bootgate verifier"), "version": .string("1"),
                "description": .string(
                    "Client certificates over TLS 1.3 identify the caller; x-bootgate-access names who may call."),
            ]),
            "paths": .object(paths.mapValues { .object($0) }),
            "components": .object(["schemas": .object(try MessageTypes.components())]),
        ])
    }

    private static func operation(_ route: Route, listeners: [String]) -> [String: JSONValue] {
        let captured = route.captures.map { name in
            JSONValue.object([
                "name": .string(name), "in": .string("path"), "required": .bool(true),
                "schema": .object(["type": .string("string")]),
            ])
        }
        let asked = route.query.map { parameter in
            JSONValue.object([
                "name": .string(parameter.name), "in": .string("query"),
                "required": .bool(parameter.name == "audience"),
                "schema": schema(of: parameter.form),
            ])
        }
        var operation: [String: JSONValue] = [
            "summary": .string(route.summary), "parameters": .array(captured + asked),
            "responses": .object(responses(route)), "x-bootgate-access": .array(access(route.access)),
            "x-bootgate-listeners": .array(listeners.map(JSONValue.string)),
        ]
        switch route.body {
        case .none: break
        case .json(let type, let limit):
            operation["requestBody"] = .object([
                "required": .bool(true), "x-bootgate-limit": .integer(Int64(limit)),
                "content": .object(["application/json": .object(["schema": MessageSchema.reference(type)])]),
            ])
        case .bytes(let limit):
            operation["requestBody"] = .object([
                "required": .bool(true), "x-bootgate-limit": .integer(Int64(limit)),
                "content": .object(["application/octet-stream": .object([:])]),
            ])
        }
        return operation
    }

    private static func responses(_ route: Route) -> [String: JSONValue] {
        var responses: [String: JSONValue] = [
            "default": .object([
                "description": .string("Refused"),
                "content": .object(["application/json": .object(["schema": MessageSchema.reference("Problem")])]),
            ])
        ]
        for reply in route.replies {
            responses["\(reply.status)"] = .object([
                "description": .string(reply.type),
                "content": .object([contentType(reply): .object(["schema": MessageSchema.reference(reply.type)])]),
            ])
        }
        return responses
    }

    private static func contentType(_ reply: RouteReply) -> String {
        switch reply.type {
        case "Prometheus text": "text/plain"
        case "JSONWebKeySet": "application/jwk-set+json"
        default: "application/json"
        }
    }

    private static func access(_ access: RouteAccess) -> [JSONValue] {
        let names: [String] =
            switch access {
            case .anyone: ["anyone"]
            case .keyHolder: ["key-holder"]
            case .node: ["node"]
            case .roles(let roles): roles.map(\.rawValue).sorted()
            case .nodeOrRoles(let roles): ["node"] + roles.map(\.rawValue).sorted()
            case .anyPeer: ["node"] + Role.allCases.map(\.rawValue).sorted()
            }
        return names.map(JSONValue.string)
    }

    private static func schema(of form: QueryParameter.Form) -> JSONValue {
        switch form {
        case .integer(let bounds):
            .object([
                "type": .string("integer"), "minimum": .integer(Int64(bounds.lowerBound)),
                "maximum": .integer(Int64(bounds.upperBound)),
            ])
        case .flag: .object(["type": .string("boolean")])
        case .nodeState:
            .object(["type": .string("string"), "enum": .array(NodeState.allCases.map { .string($0.rawValue) })])
        case .name, .nodeID, .cursor, .audience: .object(["type": .string("string")])
        }
    }
}
