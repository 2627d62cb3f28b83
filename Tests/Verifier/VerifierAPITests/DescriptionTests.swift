import AttestationMessages
import AttestationTestKit
import HTTPTypes
import JSONCoding
import Testing
import VerifierAPI
import VerifierService

@Suite("The OpenAPI description")
struct DescriptionTests {
    private let roles = Dictionary(uniqueKeysWithValues: Role.allCases.map { ($0.rawValue, Set(Role.allCases)) })

    private func described() async throws -> DescribedAPI {
        let reply = try await APIFixture().send(.get, "/v1/openapi.json", as: APIFixture.node("n1"))
        return try DescribedAPI(Array(reply.body.utf8))
    }

    private func schemas() async throws -> [String: JSONValue] {
        let reply = try await APIFixture().send(.get, "/v1/openapi.json", as: APIFixture.node("n1"))
        let document = try StrictJSON.decode([String: JSONValue].self, from: Array(reply.body.utf8))
        return document["components"]?.members["schemas"]?.members ?? [:]
    }

    @Test("Every type that a route names is described with the type of each member")
    func everyMember() async throws {
        let schemas = try await schemas()
        var named: Set<String> = ["Problem"]
        for route in APIFixture().table.routes {
            named.formUnion(route.replies.map(\.type))
            if case .json(let type, _) = route.body { named.insert(type) }
        }
        let free: Set = ["OpenAPI 3.1 document", "Prometheus text"]
        for type in named.subtracting(free) {
            let name = String(type.map { $0.isLetter || $0.isNumber ? $0 : "_" })
            let schema = try #require(schemas[name], "\(type) is not described").members
            let properties = try #require(schema["properties"]?.members, "\(type) has no members")
            #expect(!properties.isEmpty, "\(type)")
            for (member, schema) in properties {
                let says = Set(schema.members.keys)
                #expect(!says.isDisjoint(with: ["type", "$ref", "description"]), "\(type).\(member)")
            }
        }
        // Spot checks by hand.
        let node = try #require(schemas["NodeView"]).members
        #expect(
            node["properties"]?.members["state"]?.members["enum"]
                == .array(NodeState.allCases.map { .string($0.rawValue) }))
        #expect(
            node["properties"]?.members["platform"]
                == .object(["$ref": .string("#/components/schemas/PlatformIdentity")]))
        #expect(node["properties"]?.members["lastVerdict"]?.members["$ref"] != nil)
        guard case .array(let required)? = node["required"] else {
            Issue.record("NodeView requires nothing")
            return
        }
        #expect(required.contains(.string("nodeID")) && !required.contains(.string("site")))
        let challenge = try #require(schemas["AttestationChallenge"]?.members["properties"]).members
        #expect(challenge["nonce"]?.members["pattern"] != nil)
        #expect(
            challenge["fingerprintIntervals"]?.members["additionalProperties"]?.members["type"] == .string("integer"))
        // No reference leads nowhere.
        let text = String(decoding: try StrictJSON.encode(JSONValue.object(schemas)), as: UTF8.self)
        for part in text.split(separator: "#/components/schemas/").dropFirst() {
            #expect(schemas[String(part.prefix { $0 != "\"" })] != nil, "\(part.prefix(40))")
        }
    }

    @Test("Every route's request sample and every route's answer are what the description says")
    func answers() async throws {
        let described = try await described()
        for route in APIFixture().table.routes {
            let fixture = APIFixture(FakeUseCases(roles: roles))
            let peer: PresentedPeer? =
                switch route.access {
                case .node: APIFixture.node("n1")
                case .keyHolder: APIFixture.keyHolder
                case .anyone, .roles, .nodeOrRoles, .anyPeer: APIFixture.person("viewer")
                }
            let body = try APIFixture.body(route)
            if case .json(let type, _) = route.body, type != "EnrollmentRequest", let body {
                #expect(described.problems(ofRequest: body, to: route.method.rawValue, route.path) == [])
            }
            let reply = try await fixture.send(
                route.method, APIFixture.path(route), on: route.listener, as: peer, body: body)
            // The stand-in for enrollment answers an empty object: the real answer is checked in the integration tests.
            if route.replies.first?.type == "EnrollmentChallenge" { continue }
            #expect(
                described.problems(
                    ofReply: Array(reply.body.utf8), status: reply.status, to: route.method.rawValue, route.path) == [],
                "\(route.name): \(reply)")
        }
        let refusal = try await APIFixture().send(.get, "/v1/nodes", as: APIFixture.node("n1"))
        #expect(
            described.problems(ofReply: Array(refusal.body.utf8), status: refusal.status, to: "GET", "/v1/nodes") == [])
    }
}
