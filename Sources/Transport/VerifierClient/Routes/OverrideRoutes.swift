package import AttestationMessages

/// Admission overrides.
extension VerifierClient {
    package nonisolated func proposeOverride(
        of node: NodeID, _ proposal: OverrideProposal
    ) async throws -> OverrideView {
        try await call(.post, RoutePath("v1", "admissions", node.rawValue, "overrides").text, body: proposal)
    }

    package nonisolated func approveOverride(
        _ id: String, of node: NodeID, _ request: OverrideActRequest
    ) async throws -> OverrideView {
        try await call(
            .post, RoutePath("v1", "admissions", node.rawValue, "overrides", id, "approve").text, body: request)
    }

    package nonisolated func endOverride(
        _ id: String, of node: NodeID, _ request: OverrideActRequest
    ) async throws -> OverrideView {
        try await call(.post, RoutePath("v1", "admissions", node.rawValue, "overrides", id, "end").text, body: request)
    }

    package nonisolated func overrides(
        open: Bool? = nil, node: NodeID? = nil, _ listing: Listing = Listing()
    ) async throws -> Page<OverrideView> {
        let path = RoutePath("v1", "overrides").query("open", open.map(String.init)).query("node", node?.rawValue)
        return try await call(.get, path.listing(listing).text)
    }
}
