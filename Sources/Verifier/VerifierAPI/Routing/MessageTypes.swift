internal import AttestationMessages

/// The types behind the names in the route table.
enum MessageTypes {
    static let all: [any (Decodable & Sendable).Type] = requests + replies + pages

    private static let requests: [any (Decodable & Sendable).Type] = [
        ActivationRequest.self, ChallengeRequest.self, EnrollmentRequest.self, EvidenceSubmission.self,
        FingerprintBaselineRequest.self, GroupSettings.self, ManifestImport.self, NodeActRequest.self,
        OperatorRequest.self, OverrideActRequest.self, OverrideProposal.self, PlanCloseRequest.self,
        PlanRequest.self, ReferenceActRequest.self,
        ReferenceDraftRequest.self, ReferenceRollbackRequest.self, RenewalRequest.self, RevocationImport.self,
        RolloutRequest.self,
    ]
    private static let replies: [any (Decodable & Sendable).Type] = [
        AdmissionReply.self, AlarmView.self, AttestationChallenge.self, AuditVerification.self,
        EnrollmentChallenge.self, EnrollmentResult.self, EvidenceReply.self, FingerprintBaselineView.self,
        FingerprintView.self, Health.self, ManifestImportResult.self, NodeExplanationView.self, NodeView.self,
        OperatorReply.self,
        OperatorView.self, OverrideView.self, PeerReport.self, PlanDetail.self, Problem.self, ReferenceDetail.self,
        ReferencePreview.self,
        ReferenceRollback.self, ReferenceView.self,
        RevocationView.self, RolloutHalt.self, RolloutView.self, VerdictDetail.self, VerifierStatus.self,
    ]
    private static let pages: [any (Decodable & Sendable).Type] = [
        Page<AdmissionReply>.self, Page<AlarmView>.self, Page<AuditRecordView>.self, Page<FingerprintView>.self,
        Page<NodeView>.self, Page<OperatorView>.self, Page<OverrideView>.self, Page<PlanView>.self,
        Page<RebootView>.self, Page<RolloutView>.self,
        Page<ReferenceHistoryEntry>.self,
        Page<ReferenceView>.self,
        Page<SIEMDestinationView>.self, Page<VerdictSummary>.self,
    ]

    /// What is no message of ours.
    static let others: [String: JSONValue] = [
        "JSONWebKeySet": .object([
            "title": .string("JSONWebKeySet"), "type": .string("object"), "required": .array([.string("keys")]),
            "description": .string("RFC 7517, section 5"),
            "properties": .object([
                "keys": .object(["type": .string("array"), "items": .object(["type": .string("object")])])
            ]),
        ]),
        "OpenAPI 3.1 document": .object(["title": .string("OpenAPI 3.1 document"), "type": .string("object")]),
        "Prometheus text": .object(["title": .string("Prometheus text"), "type": .string("string")]),
    ]

    /// Schemas of all of them and of what they hold, by component name.
    static func components() throws -> [String: JSONValue] {
        var schema = MessageSchema()
        for type in all { _ = try schema.schema(of: type) }
        return schema.components.merging(others.map { (MessageSchema.name($0), $1) }) { $1 }
    }
}

/// Body of the probes.
struct Health: Codable {
    /// `ok` or `degraded`.
    var status: String
    /// What needs a person: `siem-backlog`.
    var reasons: [String]?
}
