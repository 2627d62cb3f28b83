package import AttestationMessages

/// Activations in stages.
extension VerifierClient {
    package nonisolated func startRollout(
        _ name: String, version: Int, _ request: RolloutRequest
    ) async throws -> RolloutView {
        try await call(.post, RoutePath("v1", "references", name, String(version), "rollout").text, body: request)
    }

    package nonisolated func rollout(_ name: String) async throws -> RolloutView {
        try await call(.get, RoutePath("v1", "references", name, "rollout").text)
    }

    /// - Parameter open: nil for those that ended too.
    package nonisolated func rollouts(
        open: Bool? = nil, _ listing: Listing = Listing()
    ) async throws -> Page<RolloutView> {
        try await call(
            .get, RoutePath("v1", "rollouts").query("open", open.map(String.init)).listing(listing).text)
    }

    package nonisolated func haltRollout(
        _ name: String, _ request: ReferenceRollbackRequest
    ) async throws -> RolloutHalt {
        try await call(.post, RoutePath("v1", "references", name, "rollout", "halt").text, body: request)
    }
}
