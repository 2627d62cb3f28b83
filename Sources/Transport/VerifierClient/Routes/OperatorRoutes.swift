package import AssetFingerprints
package import AttestationMessages

/// Filters and position of a listing; nil leaves a filter out.
package struct Listing: Sendable {
    package var cursor: String?
    package var limit: Int?
    package init(cursor: String? = nil, limit: Int? = nil) {
        self.cursor = cursor
        self.limit = limit
    }
}

extension RoutePath {
    func listing(_ listing: Listing) -> RoutePath {
        query("cursor", listing.cursor).query("limit", listing.limit.map(String.init))
    }
}

/// Nodes, admissions and manifests, as operators use them.
extension VerifierClient {
    package nonisolated func nodes(
        state: NodeState? = nil, site: String? = nil, group: String? = nil, _ listing: Listing = Listing()
    ) async throws -> Page<NodeView> {
        let path = RoutePath("v1", "nodes").query("state", state?.rawValue).query("site", site).query("group", group)
        return try await call(.get, path.listing(listing).text)
    }

    package nonisolated func node(_ id: NodeID) async throws -> NodeView {
        try await call(.get, RoutePath("v1", "nodes", id.rawValue).text)
    }

    package nonisolated func act(_ act: NodeAct, on id: NodeID, _ request: NodeActRequest) async throws -> NodeView {
        try await call(.post, RoutePath("v1", "nodes", id.rawValue, act.rawValue).text, body: request)
    }

    package nonisolated func importManifest(_ manifest: ManifestImport) async throws -> ManifestImportResult {
        try await call(.post, RoutePath("v1", "manifest").text, body: manifest)
    }

    package nonisolated func verdicts(
        of id: NodeID, _ listing: Listing = Listing()
    ) async throws -> Page<VerdictSummary> {
        try await call(.get, RoutePath("v1", "nodes", id.rawValue, "verdicts").listing(listing).text)
    }

    package nonisolated func verdict(of id: NodeID, verdictID: String) async throws -> VerdictDetail {
        try await call(.get, RoutePath("v1", "nodes", id.rawValue, "verdicts", verdictID).text)
    }

    package nonisolated func reboots(of id: NodeID, _ listing: Listing = Listing()) async throws -> Page<RebootView> {
        try await call(.get, RoutePath("v1", "nodes", id.rawValue, "boots").listing(listing).text)
    }

    /// - Parameter other: the verdict to compare with; nil for the last pass.
    package nonisolated func explanation(
        of id: NodeID, comparingWith other: String? = nil
    ) async throws -> NodeExplanationView {
        try await call(.get, RoutePath("v1", "nodes", id.rawValue, "explanation").query("with", other).text)
    }

    /// - Parameter group: nil for all groups.
    package nonisolated func peers(group: String? = nil) async throws -> PeerReport {
        try await call(.get, RoutePath("v1", "peers").query("group", group).text)
    }

    package nonisolated func admissions(_ listing: Listing = Listing()) async throws -> Page<AdmissionReply> {
        try await call(.get, RoutePath("v1", "admissions").listing(listing).text)
    }
}

/// Fingerprints, their baselines and the settings of groups.
extension VerifierClient {
    package nonisolated func fingerprint(of id: NodeID, kind: FingerprintKind) async throws -> FingerprintView {
        try await call(.get, RoutePath("v1", "nodes", id.rawValue, "fingerprints", kind.slug).text)
    }

    package nonisolated func fingerprintHistory(
        of id: NodeID, kind: FingerprintKind, _ listing: Listing = Listing()
    ) async throws -> Page<FingerprintView> {
        try await call(
            .get, RoutePath("v1", "nodes", id.rawValue, "fingerprints", kind.slug, "history").listing(listing).text)
    }

    package nonisolated func baseline(group: String, kind: FingerprintKind) async throws -> FingerprintBaselineView {
        try await call(.get, RoutePath("v1", "groups", group, "baselines", kind.slug).text)
    }

    package nonisolated func proposeBaseline(
        group: String, kind: FingerprintKind, _ request: FingerprintBaselineRequest
    ) async throws -> FingerprintBaselineView {
        try await call(.post, RoutePath("v1", "groups", group, "baselines", kind.slug).text, body: request)
    }

    package nonisolated func approveBaseline(
        group: String, kind: FingerprintKind, version: Int, _ request: ReferenceActRequest
    ) async throws -> FingerprintBaselineView {
        let path = RoutePath("v1", "groups", group, "baselines", kind.slug, String(version), "approve")
        return try await call(.post, path.text, body: request)
    }

    package nonisolated func settings(group: String) async throws -> GroupSettings {
        try await call(.get, RoutePath("v1", "groups", group, "settings").text)
    }

    package nonisolated func setSettings(group: String, _ settings: GroupSettings) async throws -> GroupSettings {
        try await call(.put, RoutePath("v1", "groups", group, "settings").text, body: settings)
    }
}

/// Reference sets.
extension VerifierClient {
    package nonisolated func references() async throws -> Page<ReferenceView> {
        try await call(.get, RoutePath("v1", "references").text)
    }

    /// - Parameter version: nil for the newest.
    package nonisolated func reference(_ name: String, version: Int? = nil) async throws -> ReferenceDetail {
        try await call(.get, RoutePath("v1", "references", name).query("version", version.map(String.init)).text)
    }

    package nonisolated func revocations() async throws -> RevocationView {
        try await call(.get, RoutePath("v1", "revocations").text)
    }

    package nonisolated func importRevocations(_ request: RevocationImport) async throws -> RevocationView {
        try await call(.put, RoutePath("v1", "revocations").text, body: request)
    }

    package nonisolated func previewReference(_ name: String, version: Int) async throws -> ReferencePreview {
        try await call(.get, RoutePath("v1", "references", name, String(version), "preview").text)
    }

    package nonisolated func referenceHistory(_ name: String) async throws -> Page<ReferenceHistoryEntry> {
        try await call(.get, RoutePath("v1", "references", name, "history").text)
    }

    package nonisolated func rollbackReference(
        _ name: String, _ request: ReferenceRollbackRequest
    ) async throws -> ReferenceRollback {
        try await call(.post, RoutePath("v1", "references", name, "rollback").text, body: request)
    }

    package nonisolated func draftReference(_ request: ReferenceDraftRequest) async throws -> ReferenceDetail {
        try await call(.post, RoutePath("v1", "references").text, body: request)
    }

    package nonisolated func act(
        _ act: ReferenceAct, onReference name: String, version: Int, _ request: ReferenceActRequest
    ) async throws -> ReferenceView {
        try await call(.post, RoutePath("v1", "references", name, String(version), act.rawValue).text, body: request)
    }
}

/// Alarms, SIEM, operators, audit, status.
extension VerifierClient {
    package nonisolated func alarms(
        open: Bool? = nil, node: String? = nil, _ listing: Listing = Listing()
    ) async throws -> Page<AlarmView> {
        let path = RoutePath("v1", "alarms").query("open", open.map(String.init)).query("node", node)
        return try await call(.get, path.listing(listing).text)
    }

    package nonisolated func alarm(_ id: String) async throws -> AlarmView {
        try await call(.get, RoutePath("v1", "alarms", id).text)
    }

    package nonisolated func acknowledgeAlarm(_ id: String, reason: String) async throws -> AlarmView {
        try await call(
            .post, RoutePath("v1", "alarms", id, "acknowledge").text, body: NodeActRequest(reason: reason))
    }

    package nonisolated func siemDestinations() async throws -> Page<SIEMDestinationView> {
        try await call(.get, RoutePath("v1", "siem").text)
    }

    package nonisolated func testSIEM() async throws -> Page<SIEMDestinationView> {
        try await call(.post, RoutePath("v1", "siem", "test").text)
    }

    package nonisolated func dropSIEM(_ name: String, reason: String) async throws -> Page<SIEMDestinationView> {
        try await call(.post, RoutePath("v1", "siem", name, "drop").text, body: NodeActRequest(reason: reason))
    }

    package nonisolated func operators() async throws -> Page<OperatorView> {
        try await call(.get, RoutePath("v1", "operators").text)
    }

    package nonisolated func addOperator(_ request: OperatorRequest) async throws -> OperatorReply {
        try await call(.post, RoutePath("v1", "operators").text, body: request)
    }

    package nonisolated func setRoles(_ request: OperatorRequest) async throws -> OperatorView {
        try await call(.put, RoutePath("v1", "operators", request.name, "roles").text, body: request)
    }

    package nonisolated func removeOperator(_ name: String) async throws -> OperatorView {
        try await call(.delete, RoutePath("v1", "operators", name).text)
    }

    package nonisolated func audit(_ listing: Listing = Listing()) async throws -> Page<AuditRecordView> {
        try await call(.get, RoutePath("v1", "audit").listing(listing).text)
    }

    package nonisolated func verifyAudit() async throws -> AuditVerification {
        try await call(.post, RoutePath("v1", "audit", "verify").text)
    }

    package nonisolated func status() async throws -> VerifierStatus {
        try await call(.get, RoutePath("v1", "verifier", "status").text)
    }

    /// A document that is no JSON message of ours: `openapi`, `jwks`, `metrics`, `readyz`.
    package nonisolated func document(_ document: VerifierDocument) async throws -> [UInt8] {
        try await send(.get, document.rawValue, limit: Self.operatorReplyLimit).body
    }
}

package enum VerifierDocument: String, Sendable, CaseIterable {
    case openAPI = "/v1/openapi.json"
    case jwks = "/.well-known/jwks.json"
    case metrics = "/metrics"
    case readiness = "/readyz"
}
