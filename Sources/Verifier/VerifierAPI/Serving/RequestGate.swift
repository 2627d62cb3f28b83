internal import AttestationMessages
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
package import VerifierService

/// What every request passes, in this order: encodings, load, identity, role, node, query, body, handler. Default deny: a
/// request that no step refuses has been allowed by its route's row.
package struct RequestGate: Sendable {
    private let oversight: any OversightUseCases
    private let load: LoadLimits
    private let metrics: MetricsRegistry
    private let now: @Sendable () -> Int64
    private let peer: @Sendable () -> ConnectionPeer?

    /// - Parameters:
    ///   - now: milliseconds since 1970 by the store's clock: what certificates are checked against.
    ///   - peer: who the current connection presented; ``ConnectionPeer/current`` but in tests without connections.
    package init(
        oversight: any OversightUseCases, load: LoadLimits, metrics: MetricsRegistry,
        now: @escaping @Sendable () -> Int64, peer: @escaping @Sendable () -> ConnectionPeer?
    ) {
        self.oversight = oversight
        self.load = load
        self.metrics = metrics
        self.now = now
        self.peer = peer
    }

    /// Answers in a child task. A task keeps the memory of its deepest call until it ends, and a connection's task lives as
    /// long as the connection: 60 KiB for each node that is connected and idle, without this.
    func respond(_ route: Route, _ request: Request, _ context: APIRequestContext) async -> Response {
        async let response = answer(route, request, context)
        return await response
    }

    private func answer(_ route: Route, _ request: Request, _ context: APIRequestContext) async -> Response {
        let began = ContinuousClock.now
        let reference = context.reference
        var caller = Caller.anyone(source: peer()?.source ?? "")
        var bodyRead = route.body == .none && !Self.announcesBody(request)
        var response: Response
        do {
            try Self.checkForm(route, request)
            try load.enter(route.load, source: caller.source)
            defer { load.leave(route.load) }
            caller = try await identify(route, context)
            try await authorise(route, caller, context)
            let query = try QueryString.read(request.uri.query.map { $0[...] } ?? "", route.query)
            let body = try await Self.body(route, request)
            bodyRead = true
            let call = RouteCall(
                caller: caller, captures: Self.captures(route, context), query: query, body: body)
            let result = try await route.handler(call)
            response = Response(
                status: HTTPResponse.Status(code: result.status),
                headers: [.contentType: result.contentType, .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: result.body)))
        } catch let error as ServiceError {
            response = refuse(error, route, caller, context, closing: !bodyRead)
        } catch is CancellationError {
            response = refuse(
                ServiceError(.unavailable, "API_STOPPING"), route, caller, context, closing: true)
        } catch {
            context.logger.error(
                "request failed",
                metadata: ["route": "\(route.name)", "reference": "\(reference)", "error": "\(error)"])
            response = refuse(Refusal.internalError, route, caller, context, closing: !bodyRead)
        }
        metrics.request(route.name, status: response.status.code, seconds: began.duration(to: .now).seconds)
        return response
    }

    private func refuse(
        _ error: ServiceError, _ route: Route, _ caller: Caller, _ context: APIRequestContext, closing: Bool
    ) -> Response {
        context.logger.info(
            "request refused",
            metadata: [
                "route": "\(route.name)", "code": "\(error.code)", "caller": "\(caller.actor)",
                "source": "\(caller.source)", "reference": "\(context.reference)", "detail": "\(error.detail)",
            ])
        metrics.refusal(error.code)
        let toPerson = if case .person = caller { true } else { false }
        return Refusal.response(
            error, status: error.code == Self.rangeCode ? 416 : nil, reference: context.reference, toPerson: toPerson,
            closing: closing)
    }

    // MARK: Form

    private static let rangeCode = "API_RANGE"

    private static func checkForm(_ route: Route, _ request: Request) throws(ServiceError) {
        if request.headers.contains(.contentEncoding) {
            throw ServiceError(.unsupportedMedia, "API_ENCODING", "bodies are sent as they are, without an encoding")
        }
        if request.headers.contains(.range) {
            throw ServiceError(.syntax, rangeCode, "no route serves ranges")
        }
        guard let text = request.headers[.contentLength] else { return }
        guard let length = ParameterPattern.integer(text, in: 0...Int.max) else {
            throw ServiceError(.syntax, "API_CONTENT_LENGTH", "not a length")
        }
        guard length <= route.body.limit else { throw tooLarge(route) }
        guard case .json = route.body, length > 0 else { return }
        let type = request.headers[.contentType]
        guard type == "application/json" || Self.isJSON(type ?? "") else {
            throw ServiceError(.unsupportedMedia, "API_MEDIA_TYPE", "the route takes application/json")
        }
    }

    /// With parameters, or in other letters than ours.
    private static func isJSON(_ type: String) -> Bool {
        type.split(separator: ";").first?.lowercased().trimmingPrefix(" ") == "application/json"
    }

    private static func tooLarge(_ route: Route) -> ServiceError {
        ServiceError(.tooLarge, "API_BODY_TOO_LARGE", "the route takes at most \(route.body.limit) bytes")
    }

    private static func announcesBody(_ request: Request) -> Bool {
        request.headers.contains(.transferEncoding) || request.headers[.contentLength].map { $0 != "0" } == true
    }

    private static func body(_ route: Route, _ request: Request) async throws -> [UInt8] {
        do {
            return Array(buffer: try await request.body.collect(upTo: route.body.limit))
        } catch is NIOTooManyBytesError {
            throw tooLarge(route)
        } catch let error as CancellationError {
            throw error
        } catch {
            // Chunks that do not parse, a transfer encoding that nobody knows, a reset: the peer's doing, not ours.
            throw ServiceError(.syntax, "API_BODY", "the body cannot be read")
        }
    }

    private static func captures(_ route: Route, _ context: APIRequestContext) -> [String: String] {
        Dictionary(
            route.captures.map { ($0, context.parameters.get($0) ?? "") }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: Identity and role

    private func identify(_ route: Route, _ context: APIRequestContext) async throws -> Caller {
        let connection = peer()
        let source = connection?.source ?? ""
        guard route.access != .anyone else { return .anyone(source: source) }
        guard let presented = connection?.presented else {
            // Also a resumed session, which shows no certificate (TA-04).
            throw ServiceError(.unidentified, "API_CERTIFICATE", "the connection showed no certificate")
        }
        try presented.checkDates(now: now())
        switch presented.identity {
        case .keyHolder(let spki):
            return .keyHolder(EnrollmentPeer(spki: spki, source: source))
        case .node(let id, let spki):
            return .node(NodePeer(nodeID: id, spki: spki, source: source))
        case .person(let name, let keySHA256):
            // Roles are read on every request: a removed operator's next request is refused.
            guard let roles = try await oversight.identify(name: name, keySHA256: keySHA256) else {
                return .person(OperatorPeer(name: name, roles: [], keySHA256: keySHA256, source: source))
            }
            return .person(
                OperatorPeer(
                    name: name, roles: roles, keySHA256: keySHA256, source: source,
                    certificates: presented.certificates))
        }
    }

    private func authorise(_ route: Route, _ caller: Caller, _ context: APIRequestContext) async throws {
        let refusal: String?
        switch (route.access, caller) {
        case (.anyone, _), (.keyHolder, .keyHolder), (.anyPeer, .node): refusal = nil
        case (.node, .node(let peer)), (.nodeOrRoles, .node(let peer)):
            // The node is taken from the certificate; a path that names another one is an attack (TA-05).
            refusal = context.parameters.get("id") == peer.nodeID.rawValue ? nil : "API_IDENTITY"
        case (.roles(let allowed), .person(let peer)), (.nodeOrRoles(let allowed), .person(let peer)):
            refusal = peer.roles.isDisjoint(with: allowed) ? "API_ROLE" : nil
        case (.anyPeer, .person(let peer)):
            refusal = peer.roles.isEmpty ? "API_ROLE" : nil
        case (.keyHolder, _), (.node, _), (.roles, _), (.nodeOrRoles, _), (.anyPeer, _): refusal = "API_ROLE"
        }
        guard let refusal else { return }
        do {
            try await oversight.refused(
                code: refusal, actor: caller.actor, route: route.name, source: caller.source)
        } catch {
            // Rule 4 of the catalogue: a refusal that cannot be recorded is not given.
            throw ServiceError(
                .unavailable, "STORE_UNAVAILABLE", "the refusal \(refusal) could not be recorded: \(error)")
        }
        throw ServiceError(.forbidden, refusal, "\(caller.actor) may not call \(route.name)")
    }
}

extension Duration {
    fileprivate var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
