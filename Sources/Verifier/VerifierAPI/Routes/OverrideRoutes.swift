internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// Admission overrides: proposal, approval by another person, end.
enum OverrideRoutes {
    static let actLimit = 16 * 1024

    static func routes(_ useCases: any OverrideUseCases) -> [Route] {
        [
            Route(
                .post, "/v1/admissions/{id}/overrides", .roles([.securityAdmin]),
                body: .json("OverrideProposal", limit: actLimit), load: .operating,
                replies: [RouteReply(201, "OverrideView")], "Proposes to admit a node in spite of its evidence"
            ) { call in
                try RouteCall.reply(
                    201,
                    await useCases.propose(
                        try call.decode(OverrideProposal.self), for: try call.nodeID(), peer: try call.person))
            },
            Route(
                .post, "/v1/admissions/{id}/overrides/{overrideID}/approve", .roles([.approver]),
                body: .json("OverrideActRequest", limit: actLimit), load: .operating,
                replies: [RouteReply(200, "OverrideView")], "Approves an override that another person proposed"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.approve(
                        try call.identifier("overrideID"), of: try call.nodeID(),
                        try call.decode(OverrideActRequest.self), peer: try call.person))
            },
            Route(
                .post, "/v1/admissions/{id}/overrides/{overrideID}/end", .roles([.securityAdmin, .approver]),
                body: .json("OverrideActRequest", limit: actLimit), load: .operating,
                replies: [RouteReply(200, "OverrideView")], "Ends an override early, or withdraws a proposed one"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.end(
                        try call.identifier("overrideID"), of: try call.nodeID(),
                        try call.decode(OverrideActRequest.self), peer: try call.person))
            },
            Route(
                .get, "/v1/overrides", .roles([.viewer]),
                query: [QueryParameter("open", .flag), QueryParameter("node", .nodeID)] + QueryParameter.paging,
                replies: [RouteReply(200, "Page<OverrideView>")], "Lists overrides, newest first"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.overrides(
                        open: call.flag("open"), node: call.text("node").flatMap(NodeID.init), cursor: call.cursor,
                        limit: call.limit, peer: try call.person))
            },
        ]
    }
}
