internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// Reference sets: draft, proposal, approval by another person, activation.
enum ReferenceRoutes {
    /// A document of 16 MiB (RV-14) in base64url, and what stands beside it.
    static let documentLimit = 22 * 1024 * 1024
    static let actLimit = 16 * 1024

    static func routes(_ useCases: any ReferenceUseCases) -> [Route] {
        [
            Route(
                .get, "/v1/references", .roles([.viewer]), replies: [RouteReply(200, "Page<ReferenceView>")],
                "Lists reference sets"
            ) { call in try RouteCall.reply(200, await useCases.references(peer: try call.person)) },
            Route(
                .get, "/v1/references/{name}", .roles([.viewer]),
                query: [QueryParameter("version", .integer(1...Int(Int32.max)))],
                replies: [RouteReply(200, "ReferenceDetail")], "Shows a reference set, its newest or one version"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.reference(
                        try call.name("name"), version: call.integer("version"), peer: try call.person))
            },
            Route(
                .post, "/v1/references", .roles([.securityAdmin]),
                body: .json("ReferenceDraftRequest", limit: documentLimit), load: .operating,
                replies: [RouteReply(201, "ReferenceDetail")], "Makes a draft"
            ) { call in
                try RouteCall.reply(
                    201, await useCases.draft(try call.decode(ReferenceDraftRequest.self), peer: try call.person))
            },
            Route(
                .get, "/v1/revocations", .roles([.viewer]), replies: [RouteReply(200, "RevocationView")],
                "Shows the revocation feed that counts"
            ) { call in try RouteCall.reply(200, await useCases.revocations(peer: try call.person)) },
            Route(
                .put, "/v1/revocations", .roles([.securityAdmin]),
                body: .json("RevocationImport", limit: documentLimit), load: .operating,
                replies: [RouteReply(200, "RevocationView")], "Imports a revocation feed"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.importRevocations(try call.decode(RevocationImport.self), peer: try call.person))
            },
            Route(
                .get, "/v1/references/{name}/history", .roles([.viewer]),
                replies: [RouteReply(200, "Page<ReferenceHistoryEntry>")],
                "Lists who did what to the versions of a set, and why"
            ) { call in
                try RouteCall.reply(
                    200, await useCases.history(ofReference: try call.name("name"), peer: try call.person))
            },
            Route(
                .get, "/v1/references/{name}/{version}/preview", .roles([.viewer]), load: .operating,
                replies: [RouteReply(200, "ReferencePreview")],
                "Appraises the stored evidence of all nodes concerned against a version: who would flip"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.preview(
                        try call.name("name"), version: try call.version(), peer: try call.person))
            },
            Route(
                .post, "/v1/references/{name}/rollback", .roles([.securityAdmin]),
                body: .json("ReferenceRollbackRequest", limit: actLimit), load: .operating,
                replies: [RouteReply(200, "ReferenceRollback")],
                "Makes the version before the active one active again"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.rollback(
                        try call.name("name"), try call.decode(ReferenceRollbackRequest.self), peer: try call.person))
            },
        ]
            + ReferenceAct.allCases.map { act in
                Route(
                    .post, "/v1/references/{name}/{version}/\(act.rawValue)", .roles([role(of: act)]),
                    body: .json("ReferenceActRequest", limit: actLimit), load: .operating,
                    replies: [RouteReply(200, "ReferenceView")], summary(of: act)
                ) { call in
                    try RouteCall.reply(
                        200,
                        await useCases.act(
                            act, on: try call.name("name"), version: try call.version(),
                            try call.decode(ReferenceActRequest.self), peer: try call.person))
                }
            }
    }

    private static func role(of act: ReferenceAct) -> Role {
        switch act {
        case .propose, .activate, .expire: .securityAdmin
        case .approve, .reject: .approver
        }
    }

    private static func summary(of act: ReferenceAct) -> String {
        switch act {
        case .propose: "Proposes a draft for approval"
        case .approve: "Approves what another person proposed"
        case .reject: "Rejects a proposal"
        case .activate: "Activates an approved version, unless too many nodes would fail newly"
        case .expire: "Ends a version now or at an earlier time than its document says"
        }
    }
}
