internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// Activation of a reference set in stages.
enum RolloutRoutes {
    static func routes(_ useCases: any RolloutUseCases) -> [Route] {
        [
            Route(
                .post, "/v1/references/{name}/{version}/rollout", .roles([.securityAdmin]),
                body: .json("RolloutRequest", limit: ReferenceRoutes.actLimit), load: .operating,
                replies: [RouteReply(201, "RolloutView")],
                "Activates an approved version in stages: 1 % of the nodes, 10 %, all"
            ) { call in
                try RouteCall.reply(
                    201,
                    await useCases.startRollout(
                        try call.name("name"), version: try call.version(), try call.decode(RolloutRequest.self),
                        peer: try call.person))
            },
            Route(
                .get, "/v1/rollouts", .roles([.viewer]),
                query: [QueryParameter("open", .flag)] + QueryParameter.paging,
                replies: [RouteReply(200, "Page<RolloutView>")], "Lists staged activations of all sets, newest first"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.rollouts(
                        open: call.flag("open"), cursor: call.cursor, limit: call.limit, peer: try call.person))
            },
            Route(
                .get, "/v1/references/{name}/rollout", .roles([.viewer]), replies: [RouteReply(200, "RolloutView")],
                "Shows the last staged activation of a set"
            ) { call in
                try RouteCall.reply(200, await useCases.rollout(try call.name("name"), peer: try call.person))
            },
            Route(
                .post, "/v1/references/{name}/rollout/halt", .roles([.securityAdmin]),
                body: .json("ReferenceRollbackRequest", limit: ReferenceRoutes.actLimit), load: .operating,
                replies: [RouteReply(200, "RolloutHalt")],
                "Stops a staged activation: the old set judges all nodes again"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.haltRollout(
                        try call.name("name"), try call.decode(ReferenceRollbackRequest.self), peer: try call.person))
            },
        ]
    }
}
