internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// Change plans: these nodes, this update, this window.
enum PlanRoutes {
    /// ``PlanRequest/mostNodes`` ids.
    static let planLimit = 1024 * 1024
    static let actLimit = 16 * 1024

    static func routes(_ useCases: any PlanUseCases) -> [Route] {
        [
            Route(
                .post, "/v1/plans", .roles([.securityAdmin]), body: .json("PlanRequest", limit: planLimit),
                load: .operating, replies: [RouteReply(201, "PlanDetail")],
                "Makes a change plan: nodes, the approved set that comes, a window"
            ) { call in
                try RouteCall.reply(
                    201, await useCases.create(try call.decode(PlanRequest.self), peer: try call.person))
            },
            Route(
                .get, "/v1/plans", .roles([.viewer]), query: [QueryParameter("open", .flag)],
                replies: [RouteReply(200, "Page<PlanView>")], "Lists change plans, newest first"
            ) { call in
                try RouteCall.reply(200, await useCases.plans(open: call.flag("open"), peer: try call.person))
            },
            Route(
                .get, "/v1/plans/{name}", .roles([.viewer]), replies: [RouteReply(200, "PlanDetail")],
                "Shows a change plan with its nodes"
            ) { call in
                try RouteCall.reply(200, await useCases.plan(try call.name("name"), peer: try call.person))
            },
            Route(
                .post, "/v1/plans/{name}/close", .roles([.securityAdmin]),
                body: .json("PlanCloseRequest", limit: actLimit), load: .operating,
                replies: [RouteReply(200, "PlanDetail")],
                "Closes a change plan, unless nodes would lose their pass by it"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.close(
                        try call.name("name"), try call.decode(PlanCloseRequest.self), peer: try call.person))
            },
        ]
    }
}
