package import AttestationMessages

/// Change plans.
extension VerifierClient {
    package nonisolated func createPlan(_ request: PlanRequest) async throws -> PlanDetail {
        try await call(.post, RoutePath("v1", "plans").text, body: request)
    }

    /// - Parameter open: nil for open and closed ones.
    package nonisolated func plans(open: Bool? = nil) async throws -> Page<PlanView> {
        try await call(.get, RoutePath("v1", "plans").query("open", open.map(String.init)).text)
    }

    package nonisolated func plan(_ name: String) async throws -> PlanDetail {
        try await call(.get, RoutePath("v1", "plans", name).text)
    }

    package nonisolated func closePlan(_ name: String, _ request: PlanCloseRequest) async throws -> PlanDetail {
        try await call(.post, RoutePath("v1", "plans", name, "close").text, body: request)
    }
}
