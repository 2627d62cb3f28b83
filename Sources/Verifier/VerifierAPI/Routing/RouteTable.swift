package import VerifierService

/// What the routes call. Built once by the composition root.
package struct APIUseCases: Sendable {
    package var enrollment: any EnrollmentUseCases
    package var attestation: any AttestationUseCases
    package var admission: any AdmissionUseCases
    package var overrides: any OverrideUseCases
    package var nodes: any NodeUseCases
    package var references: any ReferenceUseCases
    package var plans: any PlanUseCases
    package var fingerprints: any FingerprintUseCases
    package var oversight: any OversightUseCases
    /// The JWKS document as it is now.
    package var keySet: @Sendable () throws -> [UInt8]
    package var readiness: @Sendable () async -> Readiness
    /// Further gauges for a scrape, by the names of ``MetricNames``.
    package var gauges: @Sendable () async -> [Gauge]

    package init(
        enrollment: any EnrollmentUseCases, attestation: any AttestationUseCases, admission: any AdmissionUseCases,
        overrides: any OverrideUseCases, nodes: any NodeUseCases, references: any ReferenceUseCases,
        plans: any PlanUseCases,
        fingerprints: any FingerprintUseCases,
        oversight: any OversightUseCases, keySet: @escaping @Sendable () throws -> [UInt8],
        readiness: @escaping @Sendable () async -> Readiness, gauges: @escaping @Sendable () async -> [Gauge]
    ) {
        self.enrollment = enrollment
        self.attestation = attestation
        self.admission = admission
        self.overrides = overrides
        self.nodes = nodes
        self.references = references
        self.plans = plans
        self.fingerprints = fingerprints
        self.oversight = oversight
        self.keySet = keySet
        self.readiness = readiness
        self.gauges = gauges
    }
}

/// What the readiness probe tells.
package enum Readiness: Hashable, Sendable {
    case ready
    /// Nodes are served, but something needs a person: the names of what. The probe still answers 200: a verifier whose
    /// SIEM is down must not be taken out of service for it (SO-05, SO-06).
    case degraded([String])
    /// The verifier cannot answer nodes (store closed, shutting down).
    case unavailable
}

/// All routes of protocol v1 (Protocol.md).
package struct RouteTable: Sendable {
    package let routes: [Route]

    package init(_ useCases: APIUseCases, metrics: MetricsRegistry) {
        var routes =
            EnrollmentRoutes.routes(useCases.enrollment) + NodeFacingRoutes.routes(useCases, metrics: metrics)
            + OverrideRoutes.routes(useCases.overrides) + NodeRoutes.routes(useCases.nodes)
            + ReferenceRoutes.routes(useCases.references) + RolloutRoutes.routes(useCases.references)
            + PlanRoutes.routes(useCases.plans)
            + FingerprintRoutes.routes(useCases.fingerprints) + OversightRoutes.routes(useCases.oversight)
            + ServiceRoutes.routes(useCases, metrics: metrics)
        // The description includes the route that serves it.
        let described = routes + [ServiceRoutes.openAPI(document: { [] })]
        routes.append(ServiceRoutes.openAPI(document: { try OpenAPIDocument.json(described) }))
        self.routes = routes
    }

    package func routes(on listener: ListenerKind) -> [Route] { routes.filter { $0.listener == listener } }
}
