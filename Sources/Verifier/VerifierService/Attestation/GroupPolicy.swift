internal import Appraisal
internal import AssetFingerprints
internal import AttestationMessages
internal import ByteParsing
internal import ReferenceValues

/// What nodes of one group are judged by, read and compiled once for each change of it.
struct GroupPolicy: Sendable {
    let generation: Int64
    /// Of the trust under which the sets' signatures were verified.
    let trustGeneration: Int64
    let group: String
    let settings: GroupSettings
    let appraiser: Appraiser
    let reference: AttestationResult.ReferenceIdentity?
    let labMode: Bool
    let baselines: [FingerprintKind: FingerprintBaseline]
    /// Open change plans of the group by name; empty for what judges under a plan itself.
    let plans: [String: OpenPlan]
    /// Staged activation that is under way in the group.
    let rollout: OpenRollout?

    /// Whether nothing that it was made of has changed since.
    func isCurrent(_ policy: VerifierPolicy, _ snapshot: any StoreSnapshot) throws -> Bool {
        try trustGeneration == policy.operatorTrust.generation && generation == snapshot.policyGeneration()
    }

    /// `name@version`, as verdicts name it.
    var referenceName: String? { reference.map { "\($0.name)@\($0.version ?? 0)" } }
    /// Nil where no references judge the kernel's measurement list: it is not asked for then.
    var measurementListRules: CompiledRuntime? { appraiser.references?.runtime }
    var judgesMeasurementList: Bool { appraiser.references?.runtime != nil }
    var deniesDifferences: Bool { settings.fingerprintDifference == "deny" }

    /// - Parameter candidate: judges instead of the active set, to see what it would say.
    init(
        group: String, policy: VerifierPolicy, candidate: ReferenceRecord? = nil, in snapshot: any StoreSnapshot
    ) throws {
        // Before the signatures are looked at: a change in between makes this policy outdated, never a new one out of it.
        trustGeneration = policy.operatorTrust.generation
        generation = try snapshot.policyGeneration()
        self.group = group
        settings = try policy.settings(of: group, in: snapshot)
        let active =
            try candidate
            ?? snapshot.activeReference(group: group)
            ?? snapshot.activeReference(group: VerifierPolicy.defaultGroup)
        if let active { try ReferenceSignatures.verify(active, policy, snapshot) }
        var baselines: [FingerprintKind: FingerprintBaseline] = [:]
        let lineage = try active.map { try ReferenceLineage(loading: $0, policy, snapshot) }
        var labMode = lineage?.labMode ?? false
        for kind in FingerprintKind.allCases {
            let record =
                try snapshot.baseline(group: group, kind: kind, version: nil)
                ?? snapshot.baseline(group: VerifierPolicy.defaultGroup, kind: kind, version: nil)
            guard let record else { continue }
            baselines[kind] = try Self.reading("baseline \(record.group)/\(kind.slug) \(record.version)") {
                try FingerprintBaseline(document: record.document, kind: kind)
            }
            labMode = labMode || record.labMode
        }
        self.baselines = baselines
        self.labMode = labMode
        reference = active.map {
            AttestationResult.ReferenceIdentity(
                name: $0.name, group: $0.group, version: $0.version, documentSHA256: Hex.encode($0.documentSHA256))
        }
        let revocations = try snapshot.revocations().map { record in
            try Self.reading("the revocation feed") { try CompiledRevocations(parsing: record.document) }
        }
        appraiser = Appraiser(
            references: lineage?.compiled, policy: Self.appraisalPolicy(settings), revocations: revocations)
        rollout = candidate == nil ? try OpenRollout.of(group, judgedBy: active, policy: policy, in: snapshot) : nil
        plans = candidate == nil ? try OpenPlan.of(group, judgedBy: active, policy: policy, in: snapshot) : [:]
    }

    /// Layer 10 is self-reported while nobody attests the layers below it: at most a warning, which passes. Where
    /// differences deny, the layer is required, and a difference contradicts it.
    private static func appraisalPolicy(_ settings: GroupSettings) -> AppraisalPolicy {
        var required = Set(settings.requiredLayers.compactMap(LayerID.init(rawValue:)))
        if settings.fingerprintDifference == "deny" { required.insert(.assetFingerprints) }
        let tolerant = Set(settings.warningPassesIn.compactMap(LayerID.init(rawValue:)))
        return AppraisalPolicy(
            requiredLayers: required, warningPassesIn: tolerant.union([.assetFingerprints]),
            staleRevocationsFail: settings.staleRevocations == "fail")
    }

    /// A stored document that does not read is an error of the store: nobody is judged by a part of it.
    private static func reading<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw ServiceError(.unavailable, "STORE_POISON", "\(what): \(error)") }
    }
}
