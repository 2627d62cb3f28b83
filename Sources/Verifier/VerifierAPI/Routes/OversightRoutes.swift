internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// Alarms, SIEM, operators, audit, status.
enum OversightRoutes {
    static let limit = 64 * 1024

    static func routes(_ useCases: any OversightUseCases) -> [Route] {
        alarms(useCases) + siem(useCases) + operators(useCases) + audit(useCases)
    }

    private static func alarms(_ useCases: any OversightUseCases) -> [Route] {
        [
            Route(
                .get, "/v1/alarms", .roles([.viewer]),
                query: [QueryParameter("open", .flag), QueryParameter("node", .nodeID)] + QueryParameter.paging,
                replies: [RouteReply(200, "Page<AlarmView>")], "Lists alarms, newest first"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.alarms(
                        open: call.flag("open"), node: call.text("node").flatMap(NodeID.init), cursor: call.cursor,
                        limit: call.limit, peer: try call.person))
            },
            Route(
                .get, "/v1/alarms/{id}", .roles([.viewer]), replies: [RouteReply(200, "AlarmView")], "Shows an alarm"
            ) { call in
                try RouteCall.reply(200, await useCases.alarm(try call.identifier("id"), peer: try call.person))
            },
            Route(
                .post, "/v1/alarms/{id}/acknowledge", .roles([.securityAdmin]),
                body: .json("NodeActRequest", limit: limit), load: .operating, replies: [RouteReply(200, "AlarmView")],
                "Acknowledges an alarm; changes no node"
            ) { call in
                let request = try call.decode(NodeActRequest.self)
                return try RouteCall.reply(
                    200,
                    await useCases.acknowledge(
                        try call.identifier("id"), reason: request.reason, peer: try call.person))
            },
        ]
    }

    private static func siem(_ useCases: any OversightUseCases) -> [Route] {
        [
            Route(
                .get, "/v1/siem", .roles([.viewer]), replies: [RouteReply(200, "Page<SIEMDestinationView>")],
                "Lists SIEM destinations and their backlog"
            ) { call in
                try RouteCall.reply(
                    200, Page(items: await useCases.siemDestinations(peer: try call.person)))
            },
            Route(
                .post, "/v1/siem/test", .roles([.securityAdmin]), load: .operating,
                replies: [RouteReply(200, "Page<SIEMDestinationView>")], "Sends a test event to every destination"
            ) { call in
                try RouteCall.reply(200, Page(items: await useCases.testSIEM(peer: try call.person)))
            },
            Route(
                .post, "/v1/siem/{name}/drop", .roles([.securityAdmin]), body: .json("NodeActRequest", limit: limit),
                load: .operating, replies: [RouteReply(200, "Page<SIEMDestinationView>")],
                "Gives up a destination that is no longer configured, and its undelivered events"
            ) { call in
                let name = try call.name("name")
                let request = try call.decode(NodeActRequest.self)
                return try RouteCall.reply(
                    200,
                    Page(items: await useCases.dropSIEM(name, reason: request.reason, peer: try call.person)))
            },
        ]
    }

    private static func operators(_ useCases: any OversightUseCases) -> [Route] {
        [
            Route(
                .get, "/v1/operators", .roles([.viewer]), replies: [RouteReply(200, "Page<OperatorView>")],
                "Lists operators"
            ) { call in try RouteCall.reply(200, Page(items: await useCases.operators(peer: try call.person))) },
            Route(
                .post, "/v1/operators", .roles([.securityAdmin]), body: .json("OperatorRequest", limit: limit),
                load: .operating, replies: [RouteReply(201, "OperatorReply")], "Adds an operator and signs the request"
            ) { call in
                try RouteCall.reply(
                    201, await useCases.addOperator(try call.decode(OperatorRequest.self), peer: try call.person))
            },
            Route(
                .put, "/v1/operators/{name}/roles", .roles([.securityAdmin]),
                body: .json("OperatorRequest", limit: limit), load: .operating,
                replies: [RouteReply(200, "OperatorView")], "Changes an operator's roles"
            ) { call in
                let name = try call.name("name")
                let request = try call.decode(OperatorRequest.self)
                guard request.name == name else {
                    throw ServiceError(.syntax, "API_BAD_ID", "path and body name two operators")
                }
                return try RouteCall.reply(
                    200, await useCases.setRoles(request.roles, of: name, peer: try call.person))
            },
            Route(
                .delete, "/v1/operators/{name}", .roles([.securityAdmin]), load: .operating,
                replies: [RouteReply(200, "OperatorView")], "Removes an operator"
            ) { call in
                try RouteCall.reply(200, await useCases.removeOperator(try call.name("name"), peer: try call.person))
            },
        ]
    }

    private static func audit(_ useCases: any OversightUseCases) -> [Route] {
        [
            Route(
                .get, "/v1/audit", .roles([.auditor]), query: QueryParameter.paging,
                replies: [RouteReply(200, "Page<AuditRecordView>")], "Lists audit records"
            ) { call in
                try RouteCall.reply(
                    200,
                    await useCases.auditRecords(cursor: call.cursor, limit: call.limit, peer: try call.person))
            },
            Route(
                .post, "/v1/audit/verify", .roles([.auditor]), load: .operating,
                replies: [RouteReply(200, "AuditVerification")], "Checks the audit log's chain"
            ) { call in try RouteCall.reply(200, await useCases.verifyAudit(peer: try call.person)) },
            Route(
                .get, "/v1/verifier/status", .roles([.viewer]), replies: [RouteReply(200, "VerifierStatus")],
                "The verifier's own state"
            ) { call in try RouteCall.reply(200, await useCases.status(peer: try call.person)) },
        ]
    }
}
