package import AttestationMessages
package import HTTPTypes

/// One row of the API: everything that the router, the role check, the limits, the OpenAPI document and the tests know of
/// it comes from here.
package struct Route: Sendable {
    package let method: HTTPRequest.Method
    /// With captures in braces: `/v1/nodes/{id}/challenges`.
    package let path: String
    /// `POST /v1/nodes/{id}/challenges`: in metrics, audit records and logs, where the real path must not stand.
    package let name: String
    /// The names in braces, in order.
    package let captures: [String]
    package var listener: ListenerKind
    package var access: RouteAccess
    package var body: RouteBody
    package var load: LoadClass
    package var query: [QueryParameter]
    /// Status and the name of the body's type in AttestationMessages, first the usual one.
    package var replies: [RouteReply]
    package var summary: String
    package var handler: RouteHandler

    package init(
        _ method: HTTPRequest.Method, _ path: String, on listener: ListenerKind = .main, _ access: RouteAccess,
        body: RouteBody = .none, load: LoadClass = .reading, query: [QueryParameter] = [], replies: [RouteReply],
        _ summary: String, handler: @escaping RouteHandler
    ) {
        self.method = method
        self.path = path
        name = "\(method.rawValue) \(path)"
        captures = path.split(separator: "/").compactMap { part in
            part.hasPrefix("{") && part.hasSuffix("}") ? String(part.dropFirst().dropLast()) : nil
        }
        self.listener = listener
        self.access = access
        self.body = body
        self.load = load
        self.query = query
        self.replies = replies
        self.summary = summary
        self.handler = handler
    }
}

package typealias RouteHandler = @Sendable (RouteCall) async throws -> RouteResult

package enum ListenerKind: String, Hashable, Sendable, CaseIterable {
    case enrollment, main
    /// Plain HTTP on a loopback address, where the operator switches it on: probes, metrics, key set.
    case loopback
}

/// Who may call. There is no default: a route without one does not compile.
package enum RouteAccess: Hashable, Sendable {
    /// Whoever got through the listener's TLS; on the loopback listener everyone: the bare health probe.
    case anyone
    /// The holder of a self-signed certificate over a P-256 key.
    case keyHolder
    /// The node that the path names.
    case node
    /// An operator or consumer with one of the roles.
    case roles(Set<Role>)
    /// The node that the path names, or one of the roles.
    case nodeOrRoles(Set<Role>)
    /// Every node, operator and consumer.
    case anyPeer

    package static let anyRole = RouteAccess.roles(Set(Role.allCases))
}

/// What a request's body may be. Limits hold before anything is kept in memory.
package enum RouteBody: Hashable, Sendable {
    case none
    case json(String, limit: Int)
    case bytes(limit: Int)

    package var limit: Int {
        switch self {
        case .none: 0
        case .json(_, let limit), .bytes(let limit): limit
        }
    }
}

/// Which queue a request stands in: see ``LoadLimits``.
package enum LoadClass: String, Hashable, Sendable, CaseIterable {
    case probe, enrollment, attestation, reading, operating
}

package struct RouteReply: Hashable, Sendable {
    package var status: Int
    package var type: String
    package init(_ status: Int, _ type: String) {
        self.status = status
        self.type = type
    }
}

package struct QueryParameter: Hashable, Sendable {
    package enum Form: Hashable, Sendable {
        case name, nodeID, nodeState, cursor, audience, flag
        /// Decimal digits; inclusive bounds.
        case integer(ClosedRange<Int>)
    }
    package var name: String
    package var form: Form
    package init(_ name: String, _ form: Form) {
        self.name = name
        self.form = form
    }

    static let longestPage = 500
    static let paging = [QueryParameter("cursor", .cursor), QueryParameter("limit", .integer(1...longestPage))]
}

/// A handler's answer.
package struct RouteResult: Sendable {
    package var status: Int
    package var body: [UInt8]
    package var contentType: String
    package init(_ status: Int, body: [UInt8], contentType: String = "application/json") {
        self.status = status
        self.body = body
        self.contentType = contentType
    }
}
