internal import AttestationMessages
internal import JSONCoding

/// The typed client of the verifier's API over one kept-alive mTLS connection.
///
/// Guarantees: TLS 1.3; the chain ends in the pinned CA file, the name and the pins fit, before a byte of a request is
/// sent; no proxy, redirect, cookie, session resumption or environment variable has a say; a reply over the call's limit
/// is cut off. Does not retry. Calls run one after the other on a thread of their own, so that neither the network nor a
/// TPM that signs the handshake blocks Swift's cooperative pool. A cancelled task ends its call within about a second.
///
/// Errors: ``VerifierClientError`` from every call.
package actor VerifierClient {
    /// Largest reply to a node's call.
    package static let nodeReplyLimit = 1 << 20
    /// Largest reply to an operator's call: a page of fingerprints or an evidence detail.
    package static let operatorReplyLimit = 64 << 20

    private let executor: BlockingExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let endpoint: VerifierEndpoint
    let credentials: ClientCredentials
    private let userAgent: String
    private let timeoutSeconds: Int
    /// Made at the first call, on the executor's thread, and kept.
    private var connection: CurlConnection?

    /// - Parameters:
    ///   - userAgent: Printable ASCII.
    ///   - timeoutSeconds: For one whole call.
    package init(
        endpoint: VerifierEndpoint, credentials: ClientCredentials, userAgent: String, timeoutSeconds: Int = 60
    ) {
        self.endpoint = endpoint
        self.credentials = credentials
        self.userAgent = userAgent
        self.timeoutSeconds = timeoutSeconds
        executor = BlockingExecutor(label: "bootgate.verifier-client")
    }

    /// Closes the kept connection; the next call opens another.
    package func disconnect() { connection = nil }

    // MARK: Building blocks of the routes

    /// Sends JSON (or nothing) and decodes the JSON reply.
    nonisolated func call<Reply: Decodable & Sendable>(
        _ method: HTTPRequest.Method, _ path: String, body: (any Encodable & Sendable)? = nil,
        limit: Int = VerifierClient.operatorReplyLimit, as type: Reply.Type = Reply.self
    ) async throws -> Reply {
        let reply = try await send(method, path, bytes: body.map { try Self.encode($0) }, limit: limit)
        return try Self.decode(Reply.self, reply.body)
    }

    /// Sends bytes; the reply is of a success status.
    nonisolated func send(
        _ method: HTTPRequest.Method, _ path: String, bytes: [UInt8]? = nil, contentType: String = "application/json",
        limit: Int
    ) async throws -> HTTPReply {
        let request = HTTPRequest(
            method: method, path: path, body: bytes, contentType: contentType, replyLimit: limit,
            timeoutSeconds: timeoutSeconds)
        let cancellation = TransferCancellation()
        let reply = try await withTaskCancellationHandler {
            try await perform(request, cancellation)
        } onCancel: {
            cancellation.cancel()
        }
        guard (200..<300).contains(reply.status) else { throw Self.refusal(reply) }
        return reply
    }

    private func perform(_ request: HTTPRequest, _ cancellation: TransferCancellation) throws -> HTTPReply {
        guard !cancellation.isCancelled else { throw VerifierClientError(.cancelled, "cancelled") }
        let connection =
            try connection
            ?? CurlConnection(endpoint: endpoint, credentials: credentials, userAgent: userAgent)
        self.connection = connection
        return try connection.perform(request, cancellation: cancellation)
    }

    /// JSON with sorted keys: what is sent is also what the enrollment transcript hashes.
    static func encode(_ value: some Encodable) throws -> [UInt8] { try StrictJSON.encode(value) }

    /// Keys that the message does not have are read over: a newer verifier may send more.
    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
        do {
            return try StrictJSON.decode(type, from: bytes, limits: replyLimits)
        } catch {
            throw VerifierClientError(.malformedReply, "the reply is no \(Value.self): \(error)")
        }
    }

    private static let replyLimits = StrictJSONLimits(
        maxBytes: operatorReplyLimit, maxDepth: 64, maxValues: 2_000_000, maxStringBytes: operatorReplyLimit,
        allowsFractions: true)

    static func refusal(_ reply: HTTPReply) -> VerifierClientError {
        var error = VerifierClientError(.refused, "the verifier answered \(reply.status)")
        error.status = reply.status
        error.retryAfterSeconds = reply.retryAfterSeconds
        if let problem = try? decode(Problem.self, reply.body) {
            error.problemCode = problem.code
            error.reference = problem.reference
            error.detail = problem.detail
            error.verdictID = problem.verdictID
            error.offset = problem.offset
        }
        return error
    }
}
