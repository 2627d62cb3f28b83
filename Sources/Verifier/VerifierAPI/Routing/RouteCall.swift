package import AssetFingerprints
package import AttestationMessages
internal import JSONCoding
package import VerifierService

/// A request that passed its route's checks: the caller is known and allowed, the body is within its limit. Every
/// parameter is read through a pattern; what does not match is refused with 400 (TA-11, TA-12).
package struct RouteCall: Sendable {
    package let caller: Caller
    private let captures: [String: String]
    private let query: [String: String]
    package let body: [UInt8]

    package init(caller: Caller, captures: [String: String], query: [String: String], body: [UInt8]) {
        self.caller = caller
        self.captures = captures
        self.query = query
        self.body = body
    }

    // MARK: Who calls

    /// - Throws: 403 for another kind of caller; the gate has refused it before, by the route's access.
    package var keyHolder: EnrollmentPeer {
        get throws {
            guard case .keyHolder(let peer) = caller else { throw Self.wrongCaller }
            return peer
        }
    }
    package var node: NodePeer {
        get throws {
            guard case .node(let peer) = caller else { throw Self.wrongCaller }
            return peer
        }
    }
    package var person: OperatorPeer {
        get throws {
            guard case .person(let peer) = caller else { throw Self.wrongCaller }
            return peer
        }
    }
    private static let wrongCaller = ServiceError(.forbidden, "API_ROLE")

    // MARK: The path

    package func nodeID(_ capture: String = "id") throws -> NodeID {
        guard let id = captures[capture].flatMap(NodeID.init) else { throw Self.badID(capture) }
        return id
    }

    /// The name of a group, a reference set or an operator.
    package func name(_ capture: String) throws -> String {
        guard let text = captures[capture], ParameterPattern.isName(text) else { throw Self.badID(capture) }
        return text
    }

    /// An id that the verifier made.
    package func identifier(_ capture: String) throws -> String {
        guard let text = captures[capture], ParameterPattern.isIdentifier(text) else { throw Self.badID(capture) }
        return text
    }

    package func version() throws -> Int {
        guard let text = captures["version"], let version = ParameterPattern.integer(text, in: 1...Int(Int32.max))
        else { throw Self.badID("version") }
        return version
    }

    package func fingerprintKind() throws -> FingerprintKind {
        guard let kind = captures["kind"].flatMap(FingerprintKind.init(slug:)) else { throw Self.badID("kind") }
        return kind
    }

    package func log() throws -> EvidenceLog {
        guard let log = captures["log"].flatMap(EvidenceLog.init) else { throw Self.badID("log") }
        return log
    }

    private static func badID(_ capture: String) -> ServiceError {
        ServiceError(.syntax, "API_BAD_ID", "the path's \(capture) does not have its form")
    }

    // MARK: The query, whose values have their forms since ``RequestGate`` read them

    package func text(_ parameter: String) -> String? { query[parameter] }
    package func integer(_ parameter: String) -> Int? { query[parameter].flatMap { Int($0) } }
    package func flag(_ parameter: String) -> Bool? { query[parameter].map { $0 == "true" } }
    package var cursor: String? { query["cursor"] }
    package var limit: Int { integer("limit") ?? 100 }

    // MARK: The body

    /// The body's size was checked against its route's limit, which for documents is more than an ordinary message's.
    package func decode<Message: Decodable>(_ type: Message.Type) throws -> Message {
        do {
            return try StrictJSON.decode(type, from: body, limits: StrictJSONLimits(maxBytes: body.count))
        } catch {
            throw ServiceError(.syntax, "API_JSON", "\(error)")
        }
    }

    package static func reply(_ status: Int = 200, _ message: some Encodable) throws -> RouteResult {
        RouteResult(status, body: try StrictJSON.encode(message))
    }
}

/// Who a request comes from, as checked on this request.
package enum Caller: Hashable, Sendable {
    case anyone(source: String)
    case keyHolder(EnrollmentPeer)
    case node(NodePeer)
    case person(OperatorPeer)

    /// `node:<id>`, `operator:<name>`: the form of audit records.
    package var actor: String {
        switch self {
        case .anyone: "anyone"
        case .keyHolder: "key-holder"
        case .node(let peer): "node:\(peer.nodeID.rawValue)"
        case .person(let peer): "operator:\(peer.name)"
        }
    }

    package var source: String {
        switch self {
        case .anyone(let source): source
        case .keyHolder(let peer): peer.source
        case .node(let peer): peer.source
        case .person(let peer): peer.source
        }
    }
}
