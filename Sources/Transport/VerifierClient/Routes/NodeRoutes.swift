package import AttestationMessages

/// An enrollment challenge with the exact bytes of both messages: the transcript hashes them, not their meaning.
package struct EnrollmentExchange: Sendable {
    package let requestBytes: [UInt8]
    package let replyBytes: [UInt8]
    package let challenge: EnrollmentChallenge
}

/// The routes that a node uses (Protocol.md). The first three are on the enrollment listener.
extension VerifierClient {
    /// `POST /v1/enrollments`.
    package nonisolated func enroll(_ request: EnrollmentRequest) async throws -> EnrollmentExchange {
        let bytes = try Self.encode(request)
        let reply = try await send(.post, RoutePath("v1", "enrollments").text, bytes: bytes, limit: Self.nodeReplyLimit)
        return EnrollmentExchange(
            requestBytes: bytes, replyBytes: reply.body,
            challenge: try Self.decode(EnrollmentChallenge.self, reply.body)
        )
    }

    /// `POST /v1/enrollments/{enrollmentID}/activation`.
    package nonisolated func activate(
        enrollmentID: String, _ request: ActivationRequest
    ) async throws -> EnrollmentResult {
        try await call(
            .post, RoutePath("v1", "enrollments", enrollmentID, "activation").text, body: request,
            limit: Self.nodeReplyLimit)
    }

    /// `POST /v1/renewals`.
    package nonisolated func renew(_ request: RenewalRequest) async throws -> EnrollmentResult {
        try await call(.post, RoutePath("v1", "renewals").text, body: request, limit: Self.nodeReplyLimit)
    }

    /// `POST /v1/nodes/{id}/challenges`.
    package nonisolated func requestChallenge(
        node: NodeID, _ request: ChallengeRequest
    ) async throws -> AttestationChallenge {
        try await call(
            .post, RoutePath("v1", "nodes", node.rawValue, "challenges").text, body: request, limit: Self.nodeReplyLimit
        )
    }

    /// `POST /v1/nodes/{id}/evidence`.
    package nonisolated func submit(node: NodeID, _ evidence: EvidenceSubmission) async throws -> EvidenceReply {
        try await call(
            .post, RoutePath("v1", "nodes", node.rawValue, "evidence").text, body: evidence, limit: Self.nodeReplyLimit)
    }

    /// `PUT /v1/nodes/{id}/evidence/{evidenceID}/logs/{log}?offset=N`.
    ///
    /// - Parameter bytes: The log from `offset` on, or a first part of that.
    package nonisolated func upload(
        node: NodeID, evidenceID: String, log: String, offset: Int, bytes: [UInt8]
    ) async throws -> EvidenceReply {
        let path = RoutePath("v1", "nodes", node.rawValue, "evidence", evidenceID, "logs", log)
            .query("offset", String(offset))
        let reply = try await send(
            .put, path.text, bytes: bytes, contentType: "application/octet-stream", limit: Self.nodeReplyLimit)
        return try Self.decode(EvidenceReply.self, reply.body)
    }

    /// `GET /v1/admissions/{id}?audience=A`.
    package nonisolated func admission(node: NodeID, audience: String?) async throws -> AdmissionReply {
        try await call(
            .get, RoutePath("v1", "admissions", node.rawValue).query("audience", audience).text,
            limit: Self.nodeReplyLimit)
    }

    /// `GET /healthz`.
    package nonisolated func health() async throws {
        _ = try await send(.get, RoutePath("healthz").text, limit: 4096)
    }
}
