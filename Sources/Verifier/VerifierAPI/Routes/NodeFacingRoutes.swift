internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// What nodes call on the main listener, and what consumers ask of admissions.
enum NodeFacingRoutes {
    static let challengeLimit = 8 * 1024
    static let evidenceLimit = 256 * 1024
    /// One upload; longer logs come in several, each from the offset that is needed next.
    static let uploadLimit = 16 * 1024 * 1024

    static func routes(_ useCases: APIUseCases, metrics: MetricsRegistry) -> [Route] {
        attestation(useCases.attestation, metrics) + admission(useCases.admission)
    }

    private static func attestation(_ useCases: any AttestationUseCases, _ metrics: MetricsRegistry) -> [Route] {
        [
            Route(
                .post, "/v1/nodes/{id}/challenges", .node, body: .json("ChallengeRequest", limit: challengeLimit),
                load: .attestation, replies: [RouteReply(201, "AttestationChallenge")],
                "Opens a challenge and voids the older one"
            ) { call in
                try RouteCall.reply(
                    201, await useCases.challenge(try call.decode(ChallengeRequest.self), node: try call.node))
            },
            Route(
                .post, "/v1/nodes/{id}/evidence", .node, body: .json("EvidenceSubmission", limit: evidenceLimit),
                load: .attestation, replies: [RouteReply(200, "EvidenceReply"), RouteReply(202, "EvidenceReply")],
                "Submits a quote and what it binds"
            ) { call in
                try evidenceResult(
                    try await useCases.submit(try call.decode(EvidenceSubmission.self), node: try call.node), metrics)
            },
            Route(
                .put, "/v1/nodes/{id}/evidence/{evidenceID}/logs/{log}", .node, body: .bytes(limit: uploadLimit),
                load: .attestation, query: [QueryParameter("offset", .integer(0...Int(Int32.max)))],
                replies: [RouteReply(200, "EvidenceReply"), RouteReply(202, "EvidenceReply")],
                "Uploads what a reply named as needed"
            ) { call in
                try evidenceResult(
                    try await useCases.upload(
                        evidenceID: try call.identifier("evidenceID"), log: try call.log(),
                        offset: call.integer("offset") ?? 0, bytes: call.body, node: try call.node), metrics)
            },
        ]
    }

    private static func evidenceResult(_ reply: EvidenceReply, _ metrics: MetricsRegistry) throws -> RouteResult {
        if let verdict = reply.verdict { metrics.count(MetricNames.verdicts, ["verdict": verdict.rawValue]) }
        return try RouteCall.reply(reply.verdict == nil ? 202 : 200, reply)
    }

    private static func admission(_ useCases: any AdmissionUseCases) -> [Route] {
        [
            Route(
                .get, "/v1/admissions/{id}", .nodeOrRoles([.relyingParty, .viewer]), load: .attestation,
                query: [QueryParameter("audience", .audience)], replies: [RouteReply(200, "AdmissionReply")],
                "The admission of one node, signed for the audience"
            ) { call in
                guard let audience = call.text("audience") else {
                    throw ServiceError(.syntax, "API_QUERY", "audience is missing")
                }
                let asker: AdmissionAsker =
                    if case .node(let node) = call.caller { .node(node) } else { .consumer(try call.person) }
                return try RouteCall.reply(
                    200, await useCases.admission(of: try call.nodeID(), audience: audience, asker: asker))
            },
            Route(
                .get, "/v1/admissions", .roles([.relyingParty, .viewer]), query: QueryParameter.paging,
                replies: [RouteReply(200, "Page<AdmissionReply>")], "The admissions of all nodes"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.admissions(cursor: call.cursor, limit: call.limit, peer: try call.person))
            },
        ]
    }
}
