internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// Nodes, as operators see and steer them.
enum NodeRoutes {
    static let manifestLimit = 16 * 1024 * 1024
    static let actLimit = 16 * 1024

    static func routes(_ useCases: any NodeUseCases) -> [Route] { reading(useCases) + acting(useCases) }

    private static func reading(_ useCases: any NodeUseCases) -> [Route] {
        [
            Route(
                .get, "/v1/nodes", .roles([.viewer]),
                query: [
                    QueryParameter("state", .nodeState), QueryParameter("site", .name), QueryParameter("group", .name),
                ] + QueryParameter.paging, replies: [RouteReply(200, "Page<NodeView>")], "Lists nodes"
            ) { call in
                let filter = NodeFilter(
                    state: call.text("state").flatMap(NodeState.init(rawValue:)), site: call.text("site"),
                    group: call.text("group"))
                return try RouteCall.reply(
                    200,
                    await useCases.nodes(filter, cursor: call.cursor, limit: call.limit, peer: try call.person))
            },
            Route(
                .get, "/v1/nodes/{id}", .roles([.viewer]), replies: [RouteReply(200, "NodeView")], "Shows a node"
            ) { call in
                try RouteCall.reply(200, await useCases.node(try call.nodeID(), peer: try call.person))
            },
            Route(
                .get, "/v1/nodes/{id}/verdicts", .roles([.viewer]), query: QueryParameter.paging,
                replies: [RouteReply(200, "Page<VerdictSummary>")], "Lists a node's verdicts, newest first"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.history(
                        of: try call.nodeID(), cursor: call.cursor, limit: call.limit, peer: try call.person))
            },
            Route(
                .get, "/v1/nodes/{id}/verdicts/{verdictID}", .roles([.viewer]),
                replies: [RouteReply(200, "VerdictDetail")], "Shows a verdict with every finding"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.verdict(
                        try call.identifier("verdictID"), of: try call.nodeID(), peer: try call.person))
            },
            Route(
                .get, "/v1/nodes/{id}/boots", .roles([.viewer]), query: QueryParameter.paging,
                replies: [RouteReply(200, "Page<RebootView>")], "Lists a node's reboots, newest first"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.reboots(
                        of: try call.nodeID(), cursor: call.cursor, limit: call.limit, peer: try call.person))
            },
            Route(
                .get, "/v1/nodes/{id}/explanation", .roles([.viewer]), query: [QueryParameter("with", .cursor)],
                replies: [RouteReply(200, "NodeExplanationView")], "Compares a node's boot with its last good one"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.explanation(
                        of: try call.nodeID(), comparingWith: call.text("with"), peer: try call.person))
            },
            Route(
                .get, "/v1/peers", .roles([.viewer]), load: .operating, query: [QueryParameter("group", .name)],
                replies: [RouteReply(200, "PeerReport")],
                "Compares machines of one model and group with each other: which registers do not agree"
            ) { call in
                try RouteCall.reply(200, await useCases.peers(group: call.text("group"), peer: try call.person))
            },
        ]
    }

    private static func acting(_ useCases: any NodeUseCases) -> [Route] {
        let manifest = Route(
            .post, "/v1/manifest", .roles([.enroller]), body: .json("ManifestImport", limit: manifestLimit),
            load: .operating, replies: [RouteReply(200, "ManifestImportResult")], "Imports a factory manifest"
        ) { call in
            try RouteCall.reply(
                200, await useCases.importManifest(try call.decode(ManifestImport.self), peer: try call.person))
        }
        return [manifest]
            + NodeAct.allCases.map { act in
                Route(
                    .post, "/v1/nodes/{id}/\(act.rawValue)", .roles(roles(of: act)),
                    body: .json("NodeActRequest", limit: actLimit), load: .operating,
                    replies: [RouteReply(200, "NodeView")], summary(of: act)
                ) { call in
                    try RouteCall.reply(
                        200,
                        await useCases.act(
                            act, on: try call.nodeID(), try call.decode(NodeActRequest.self), peer: try call.person))
                }
            }
    }

    private static func roles(of act: NodeAct) -> Set<Role> {
        switch act {
        case .approve: [.enroller]
        // One proposes, another approves; the use case tells which call is which and that the persons differ.
        case .replaceTPM: [.enroller, .approver]
        case .suspend, .resume, .revoke, .clear, .remove, .attest, .expectReboot: [.securityAdmin]
        }
    }

    private static func summary(of act: NodeAct) -> String {
        switch act {
        case .approve: "Approves a pending node"
        case .suspend: "Suspends a node"
        case .resume: "Ends a node's suspension"
        case .revoke: "Revokes a node for good"
        case .clear: "Clears a failed verdict after its cause is known"
        case .remove: "Removes a node from the register"
        case .replaceTPM: "Proposes, then approves, a new TPM for a node"
        case .attest: "Asks for evidence at the node's next contact"
        case .expectReboot: "Announces reboots of a node, or takes that back"
        }
    }
}
