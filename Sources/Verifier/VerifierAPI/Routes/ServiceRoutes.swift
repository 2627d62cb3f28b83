internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// Probes, metrics, key set and the API's own description.
enum ServiceRoutes {
    static func routes(_ useCases: APIUseCases, metrics: MetricsRegistry) -> [Route] {
        // Over TLS a client certificate is needed to connect at all, though no role; on the enrollment listener any
        // self-signed one will do. A bare probe goes to the loopback listener.
        ListenerKind.allCases.map { health(on: $0) }
            + [.main, .loopback].flatMap { listener in
                [
                    ready(on: listener, useCases), keySet(on: listener, useCases),
                    scrape(on: listener, useCases, metrics),
                ]
            }
    }

    private static func health(on listener: ListenerKind) -> Route {
        Route(
            .get, "/healthz", on: listener, .anyone, load: .probe, replies: [RouteReply(200, "Health")],
            "The process answers"
        ) { _ in try RouteCall.reply(200, Health(status: "ok")) }
    }

    private static func ready(on listener: ListenerKind, _ useCases: APIUseCases) -> Route {
        Route(
            .get, "/readyz", on: listener, .anyone, load: .probe, replies: [RouteReply(200, "Health")],
            "The verifier can answer nodes"
        ) { _ in
            switch await useCases.readiness() {
            case .ready: return try RouteCall.reply(200, Health(status: "ok"))
            case .degraded(let reasons): return try RouteCall.reply(200, Health(status: "degraded", reasons: reasons))
            case .unavailable: throw ServiceError(.unavailable, "API_NOT_READY")
            }
        }
    }

    private static func keySet(on listener: ListenerKind, _ useCases: APIUseCases) -> Route {
        Route(
            .get, "/.well-known/jwks.json", on: listener, listener == .loopback ? .anyone : .anyRole,
            replies: [RouteReply(200, "JSONWebKeySet")], "The keys that check attestation results"
        ) { _ in RouteResult(200, body: try useCases.keySet(), contentType: "application/jwk-set+json") }
    }

    private static func scrape(
        on listener: ListenerKind, _ useCases: APIUseCases, _ metrics: MetricsRegistry
    ) -> Route {
        Route(
            .get, "/metrics", on: listener, listener == .loopback ? .anyone : .anyRole,
            replies: [RouteReply(200, "Prometheus text")], "Metrics for Prometheus"
        ) { _ in
            RouteResult(
                200, body: Array(metrics.text(gauges: await useCases.gauges()).utf8),
                contentType: "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    static func openAPI(document: @escaping @Sendable () throws -> [UInt8]) -> Route {
        Route(
            .get, "/v1/openapi.json", .anyPeer, replies: [RouteReply(200, "OpenAPI 3.1 document")],
            "The description of this API"
        ) { _ in RouteResult(200, body: try document()) }
    }
}
