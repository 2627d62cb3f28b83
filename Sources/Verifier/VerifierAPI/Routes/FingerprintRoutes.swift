internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// Asset fingerprints, their baselines, and the settings of groups.
enum FingerprintRoutes {
    static let baselineLimit = 8 * 1024 * 1024
    static let settingsLimit = 64 * 1024

    static func routes(_ useCases: any FingerprintUseCases) -> [Route] { reading(useCases) + acting(useCases) }

    private static func reading(_ useCases: any FingerprintUseCases) -> [Route] {
        [
            Route(
                .get, "/v1/nodes/{id}/fingerprints/{kind}", .roles([.viewer]),
                replies: [RouteReply(200, "FingerprintView")], "Shows a node's newest report of one kind"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.fingerprint(
                        try call.fingerprintKind(), of: try call.nodeID(), peer: try call.person))
            },
            Route(
                .get, "/v1/nodes/{id}/fingerprints/{kind}/history", .roles([.viewer]), query: QueryParameter.paging,
                replies: [RouteReply(200, "Page<FingerprintView>")], "Lists a node's reports of one kind"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.fingerprintHistory(
                        try call.fingerprintKind(), of: try call.nodeID(), cursor: call.cursor, limit: call.limit,
                        peer: try call.person))
            },
            Route(
                .get, "/v1/groups/{group}/baselines/{kind}", .roles([.viewer]),
                replies: [RouteReply(200, "FingerprintBaselineView")], "Shows a group's baseline"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.baseline(
                        try call.fingerprintKind(), group: try call.name("group"), peer: try call.person))
            },
            Route(
                .get, "/v1/groups/{group}/settings", .roles([.viewer]), replies: [RouteReply(200, "GroupSettings")],
                "Shows what is set for a group"
            ) { call in
                try RouteCall.reply(
                    200, await useCases.settings(group: try call.name("group"), peer: try call.person))
            },
        ]
    }

    private static func acting(_ useCases: any FingerprintUseCases) -> [Route] {
        [
            Route(
                .post, "/v1/groups/{group}/baselines/{kind}", .roles([.securityAdmin]),
                body: .json("FingerprintBaselineRequest", limit: baselineLimit), load: .operating,
                replies: [RouteReply(201, "FingerprintBaselineView")], "Proposes a baseline"
            ) { call in
                try RouteCall.reply(
                    201,
                    await useCases.proposeBaseline(
                        try call.fingerprintKind(), group: try call.name("group"),
                        try call.decode(FingerprintBaselineRequest.self), peer: try call.person))
            },
            Route(
                .post, "/v1/groups/{group}/baselines/{kind}/{version}/approve", .roles([.approver]),
                body: .json("ReferenceActRequest", limit: settingsLimit), load: .operating,
                replies: [RouteReply(200, "FingerprintBaselineView")],
                "Approves a baseline that another person proposed"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.approveBaseline(
                        try call.fingerprintKind(), group: try call.name("group"), version: try call.version(),
                        try call.decode(ReferenceActRequest.self), peer: try call.person))
            },
            Route(
                .put, "/v1/groups/{group}/settings", .roles([.securityAdmin]),
                body: .json("GroupSettings", limit: settingsLimit), load: .operating,
                replies: [RouteReply(200, "GroupSettings")], "Sets intervals and policy of a group"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.setSettings(
                        try call.decode(GroupSettings.self), group: try call.name("group"), peer: try call.person))
            },
        ]
    }
}
