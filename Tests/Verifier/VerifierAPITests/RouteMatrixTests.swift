import AttestationMessages
import HTTPTypes
import SecurityEvents
import SoftwareTPM
import Synchronization
import Testing
import VerifierAPI
import VerifierService

@Suite("Routes and roles")
struct RouteMatrixTests {
    static let document = "Sources/Bootgate.docc/Protocol.md"

    private func promised() throws -> [ProtocolDocument.Row] {
        let root = #filePath.split(separator: "/").dropLast(4).reduce(into: "") { $0 += "/" + $1 }
        return ProtocolDocument(String(decoding: try readFile("\(root)/\(Self.document)"), as: UTF8.self)).rows
    }

    @Test("The route table is Protocol.md's")
    func routesAreTheDocuments() throws {
        let fixture = APIFixture()
        let routes = Set(
            fixture.table.routes.filter { $0.listener != .loopback }.map { "\($0.method.rawValue) \($0.path)" })
        let documented = Set(try promised().map { "\($0.method) \($0.path)" })
        #expect(routes == documented)
    }

    enum Who: CaseIterable {
        case nobody, keyHolder, node, otherNode, removed
        case viewer, enroller, approver, securityAdmin, auditor, relyingParty

        var role: Role? {
            switch self {
            case .viewer: .viewer
            case .enroller: .enroller
            case .approver: .approver
            case .securityAdmin: .securityAdmin
            case .auditor: .auditor
            case .relyingParty: .relyingParty
            case .nobody, .keyHolder, .node, .otherNode, .removed: nil
            }
        }
        var peer: PresentedPeer? {
            switch self {
            case .nobody: nil
            case .keyHolder: APIFixture.keyHolder
            case .node: APIFixture.node("n1")
            case .otherNode: APIFixture.node("n2")
            case .removed: APIFixture.person("removed")
            default: role.map { APIFixture.person($0.rawValue) }
            }
        }
    }

    /// What Protocol.md's role column grants.
    private func isAllowed(_ who: Who, _ row: ProtocolDocument.Row, _ route: Route) -> Bool {
        if route.path == "/healthz" || route.path == "/readyz" { return true }
        if route.listener == .enrollment { return who == .keyHolder }
        if row.roles == "any" { return ![.nobody, .keyHolder, .removed].contains(who) }
        if row.roles.contains("any operator"), who.role != nil { return true }
        if row.roles.contains("node"), who == .node { return true }
        return who.role.map { row.roles.contains($0.rawValue) } ?? false
    }

    @Test(
        "TA-03: every route answers exactly the callers that Protocol.md names, all others get 401 or 403",
        arguments: Who.allCases)
    func matrix(_ who: Who) async throws {
        let roles = Dictionary(uniqueKeysWithValues: Role.allCases.map { ($0.rawValue, Set([$0])) })
        let rows = try promised()
        for route in APIFixture().table.routes where route.listener != .loopback {
            let fixture = APIFixture(FakeUseCases(roles: roles))
            let row = try #require(rows.first { $0.method == route.method.rawValue && $0.path == route.path })
            let reply = try await fixture.send(
                route.method, APIFixture.path(route), on: route.listener, as: who.peer, body: try APIFixture.body(route)
            )
            if isAllowed(who, row, route) {
                #expect(route.replies.contains { $0.status == reply.status }, "\(who) \(route.name): \(reply)")
                #expect(fixture.fake.refused.isEmpty)
            } else {
                let expected = who == .nobody ? 401 : 403
                #expect(reply.status == expected, "\(who) \(route.name): \(reply)")
                #expect(fixture.fake.calls.isEmpty, "\(who) \(route.name)")
                if expected == 403 {
                    #expect(fixture.fake.refused.count == 1, "\(who) \(route.name)")
                    #expect(fixture.fake.refused.first?.code == reply.code)
                    // A node's own route called by another node is an identity claimed, everything else a role.
                    let isOtherNode = row.roles.contains("node") && who == .otherNode
                    #expect(reply.code == (isOtherNode ? "API_IDENTITY" : "API_ROLE"), "\(who) \(route.name)")
                    #expect(SecurityEventCatalogue.severity(reply.code ?? "") == .high)
                }
            }
        }
    }

    @Test("TA-05: a node that names another node in the path gets API_IDENTITY, and nothing is called")
    func identity() async throws {
        for route in APIFixture().table.routes where route.access == .node {
            let fixture = APIFixture()
            let reply = try await fixture.send(
                route.method, APIFixture.path(route, node: "n2"), as: APIFixture.node("n1"),
                body: try APIFixture.body(route))
            #expect(reply.status == 403 && reply.code == "API_IDENTITY", "\(route.name)")
            #expect(fixture.fake.calls.isEmpty)
            #expect(fixture.fake.refused.map(\.code) == ["API_IDENTITY"])
        }
        #expect(SecurityEventCatalogue.severity("API_IDENTITY") == .high)
    }

    @Test("TA-05: no header makes another node of the caller")
    func identityHeaders() async throws {
        let route = try #require(APIFixture().table.routes.first { $0.path == "/v1/nodes/{id}/challenges" })
        for name in [
            "X-Node-ID", "X-Forwarded-User", "X-Forwarded-Client-Cert", "Forwarded", "X-SSL-Client-S-DN", "Host",
        ] {
            let field = try #require(HTTPField.Name(name))
            let fixture = APIFixture()
            let reply = try await fixture.send(
                route.method, APIFixture.path(route), as: APIFixture.node("n1"),
                headers: [field: "bootgate://node/n2"], body: try APIFixture.body(route))
            #expect(reply.status == 201 && fixture.fake.calls == ["challenge n1"], "\(name)")
        }
    }

    @Test("A refusal that cannot be recorded becomes 503")
    func unrecordedRefusal() async throws {
        let fixture = APIFixture()
        fixture.fake.state.withLock { $0.refusalFails = true }
        let reply = try await fixture.send(.get, "/v1/nodes", as: APIFixture.node("n1"))
        #expect(reply.status == 503 && reply.code == "STORE_UNAVAILABLE")
    }

    @Test("TA-04: a certificate whose end has come is refused on the next request of a kept connection")
    func expiredOnKeptConnection() async throws {
        let fixture = APIFixture()
        let expired = APIFixture.node("n1", validity: 0...(APIFixture.now - 1))
        let early = APIFixture.node("n1", validity: (APIFixture.now + 1)...(APIFixture.now + 2))
        for peer in [expired, early] {
            let reply = try await fixture.send(.get, "/v1/openapi.json", as: peer)
            #expect(reply.status == 401 && reply.code == "API_CERTIFICATE_EXPIRED")
        }
    }

    @Test("TA-02: a node that operators revoked is refused per request with 403")
    func revoked() async throws {
        let fixture = APIFixture()
        fixture.fake.state.withLock { $0.failure = ServiceError(.forbidden, "ID_NODE_REVOKED") }
        let route = try #require(fixture.table.routes.first { $0.path == "/v1/nodes/{id}/challenges" })
        let reply = try await fixture.send(
            route.method, APIFixture.path(route), as: APIFixture.node("n1"), body: try APIFixture.body(route))
        #expect(reply.status == 403 && reply.code == "ID_NODE_REVOKED")
    }
}
