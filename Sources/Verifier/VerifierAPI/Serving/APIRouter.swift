internal import AttestationMessages
internal import HTTPTypes
package import Hummingbird
internal import Logging
internal import VerifierService

/// Makes Hummingbird's router from the route table.
package enum APIRouter {
    package static func router(
        for listener: ListenerKind, table: RouteTable, gate: RequestGate
    ) -> Router<APIRequestContext> {
        let router = Router(context: APIRequestContext.self)
        router.add(middleware: UnroutedMiddleware())
        for route in table.routes(on: listener) {
            router.on(RouterPath(route.path.replacingBraces), method: route.method) { request, context in
                await gate.respond(route, request, context)
            }
        }
        return router
    }
}

/// Gives requests without a route the same body as every refusal.
private struct UnroutedMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    func handle(
        _ request: Request, context: APIRequestContext,
        next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError {
            context.logger.info(
                "request without a route",
                metadata: ["status": "\(error.status.code)", "reference": "\(context.reference)"])
            return Refusal.response(
                ServiceError(.unknown, "API_NO_ROUTE"), status: error.status.code == 405 ? 405 : 404,
                reference: context.reference, toPerson: false, closing: true)
        }
    }
}

extension String {
    /// `/v1/nodes/{id}` → `/v1/nodes/:id`, Hummingbird's spelling.
    fileprivate var replacingBraces: String {
        split(separator: "/").map { part in
            part.hasPrefix("{") && part.hasSuffix("}") ? ":" + part.dropFirst().dropLast() : String(part)
        }.reduce(into: "") { $0 += "/" + $1 }
    }
}
