public import ReferenceValues
public import TPMCryptography

/// Judges evidence against one reference set under one policy. A pure function: equal inputs give equal results.
public struct Appraiser: Sendable {
    /// Nil when the node's group has no active set: every verdict is then `error` (RV-01).
    public let references: CompiledReferences?
    public let policy: AppraisalPolicy
    /// Nil where nobody imported a feed.
    public let revocations: CompiledRevocations?

    public init(
        references: CompiledReferences?, policy: AppraisalPolicy, revocations: CompiledRevocations? = nil
    ) {
        self.revocations = revocations
        self.references = references
        self.policy = policy
    }

    /// The part that may be kept for evidence of one boot: layers 2 to 6.
    public static func appraiseBoot(
        _ pcrs: AttestedPCRs, eventLog: [UInt8]?, references: CompiledReferences,
        revocations: CompiledRevocations? = nil
    ) -> BootAppraisal {
        var judge = BootJudge(pcrs: pcrs, references: references, revocations: revocations)
        return judge.run(eventLog: eventLog)
    }

    /// - Parameters:
    ///   - boot: what ``appraiseBoot(_:eventLog:references:revocations:)`` gave for the same signed digest and selection, log and
    ///     references, if it was kept: it then stands for the registers that it was made of, and `input.pcrs` may be nil.
    ///     Nil makes it anew.
    ///   - runtime: what judging the measurement list gave for the same quote and references, where it was judged by
    ///     increments. Nil judges `input.measurementList`.
    public func appraise(
        _ input: AppraisalInput, boot: BootAppraisal? = nil, runtime: RuntimeAppraisal? = nil
    ) -> AttestationResult {
        var layers: [LayerID: LayerDraft] = [:]
        var waivers: [AttestationResult.AppliedWaiver] = []
        if let references, let problem = Self.validityProblem(references, at: input.atMilliseconds) {
            for layer in references.coveredLayers where layer != .tpmIdentity {
                layers[layer] = LayerDraft(covered: true, findings: [problem(layer)])
            }
        } else if let references,
            let boot = boot
                ?? input.pcrs.map({
                    Self.appraiseBoot(
                        $0, eventLog: input.eventLog, references: references, revocations: revocations)
                })
        {
            waivers = boot.waivers
            for layer in boot.layers {
                layers[layer.id] = LayerDraft(covered: layer.covered, findings: layer.findings.map(weighed))
            }
        } else if let references {
            for layer in references.coveredLayers where LayerID.boot.contains(layer) {
                layers[layer] = LayerDraft(
                    covered: true,
                    findings: [
                        Finding(FindingID.evidenceMissing, .none, layer, detail: "no register is attested")
                    ])
            }
        } else {
            layers[.firmware] = LayerDraft(
                covered: true,
                findings: [
                    Finding(FindingID.referencesMissing, .none, .firmware, detail: "no reference set is active")
                ])
        }
        var list: RuntimeAppraisal?
        if let rules = references?.runtime, layers[.runtime] == nil {
            let appraised =
                runtime
                ?? input.pcrs.map {
                    RuntimeAppraisal(
                        measurementList: input.measurementList, $0, by: rules, at: input.atMilliseconds)
                }
            list = appraised
            layers[.runtime] = LayerDraft(
                covered: true,
                findings: appraised?.findings ?? [
                    Finding(FindingID.evidenceMissing, .none, .runtime, detail: "no register is attested")
                ])
        }
        let identity = ContinuityCheck.weigh(input.identityFindings, under: list)
        layers[.tpmIdentity] = LayerDraft(
            covered: true,
            findings: identity + (input.pcrs == nil && boot == nil ? Self.noQuote(identity) : []))
        if let findings = input.fingerprintFindings {
            layers[.assetFingerprints] = LayerDraft(covered: true, findings: findings)
        } else if required.contains(.assetFingerprints) {
            layers[.assetFingerprints] = LayerDraft(
                covered: true,
                findings: [
                    Finding(
                        FindingID.evidenceMissing, .none, .assetFingerprints,
                        detail: "no report was collected, or no baseline is approved")
                ])
        }
        return result(layers, waivers, input)
    }

    private func weighed(_ finding: Finding) -> Finding {
        guard policy.staleRevocationsFail, Self.isStaleness(finding) else { return finding }
        var finding = finding
        finding.tier = .contraindicated
        return finding
    }

    private static func isStaleness(_ finding: Finding) -> Bool {
        finding.id == FindingID.staleDBX || finding.id == FindingID.staleSBAT
    }

    private struct LayerDraft {
        var covered: Bool
        var findings: [Finding]
    }

    /// Layers without which there is no pass.
    private var required: Set<LayerID> {
        var required = policy.requiredLayers.union([.tpmIdentity])
        if let references {
            required.formUnion(references.requiredLayers)
        } else {
            required.insert(.firmware)
        }
        return required
    }

    private static func noQuote(_ findings: [Finding]) -> [Finding] {
        guard !findings.contains(where: { $0.tier == .contraindicated }) else { return [] }
        return [Finding(FindingID.evidenceMissing, .none, .tpmIdentity, detail: "no quote with register values")]
    }

    private static func validityProblem(
        _ references: CompiledReferences, at instant: Int64
    ) -> ((LayerID) -> Finding)? {
        let detail: String
        if let end = references.notAfter, instant > end {
            detail = "the reference set ended at \(RFC3339.text(end))"
        } else if let start = references.notBefore, instant < start {
            detail = "the reference set begins at \(RFC3339.text(start))"
        } else {
            return nil
        }
        return { Finding(FindingID.referencesExpired, .none, $0, detail: detail) }
    }

    // MARK: Verdict

    private func result(
        _ drafts: [LayerID: LayerDraft], _ waivers: [AttestationResult.AppliedWaiver], _ input: AppraisalInput
    ) -> AttestationResult {
        let required = required
        var tiers: [LayerID: Tier] = [:]
        var broken: Set<LayerID> = []
        var layers: [AttestationResult.LayerResult] = []
        for id in LayerID.allCases {
            let draft = drafts[id] ?? LayerDraft(covered: false, findings: [])
            var findings = draft.findings
            var tier = draft.covered ? Tier.worst(of: findings.map(\.tier)) : .none
            let foundation = id.restsOn
            if tier == .affirming, let foundation, tiers[foundation] == Tier.none, !required.contains(foundation) {
                tier = .warning
                findings.append(
                    Finding(
                        FindingID.selfReported, .warning, id,
                        detail: "rests on \(foundation.rawValue), which nobody attests"))
            }
            let isFounded = foundation.map { !broken.contains($0) } ?? true
            tiers[id] = tier
            if tier == .contraindicated || !isFounded || (tier == .none && required.contains(id)) {
                broken.insert(id)
            }
            layers.append(
                AttestationResult.LayerResult(
                    id: id, tier: tier, restsOn: foundation, trustworthy: isFounded && tier != .none,
                    required: required.contains(id), covered: draft.covered, findings: findings))
        }
        let verdict = verdict(layers)
        let firstBroken =
            layers.first { $0.tier == .contraindicated }
            ?? (verdict == .pass ? nil : layers.first { $0.required && !passes($0) })
        return AttestationResult(
            format: AttestationResult.currentFormat, verdict: verdict, firstBrokenLayer: firstBroken?.id,
            firstDivergentEvent: firstBroken.flatMap { Self.firstDivergence(in: $0) },
            layers: layers, reference: references == nil ? nil : input.reference,
            referenceStatus: references == nil ? nil : input.referenceStatus, labMode: input.labMode,
            identity: input.identity, binding: input.binding, waivers: waivers,
            appraisedAtMilliseconds: input.atMilliseconds)
    }

    private func passes(_ layer: AttestationResult.LayerResult) -> Bool {
        guard layer.trustworthy else { return false }
        return switch layer.tier {
        case .affirming: true
        case .warning:
            policy.warningPassesIn.contains(layer.id)
                || layer.findings.allSatisfy {
                    // A kexec warns only where the references allow it.
                    $0.tier != .warning || Self.isStaleness($0) || $0.id == ContinuityCheck.ID.allowedKexec
                }
        case .none, .contraindicated: false
        }
    }

    private func verdict(_ layers: [AttestationResult.LayerResult]) -> AttestationResult.Verdict {
        let required = layers.filter(\.required)
        if required.contains(where: { $0.tier == .contraindicated }) { return .fail }
        if required.contains(where: { $0.tier == .none || !$0.trustworthy }) { return .error }
        return required.allSatisfy(passes) ? .pass : .fail
    }

    /// The first event, in log order, that contradicts a reference; a missing one counts only where none is wrong.
    private static func firstDivergence(
        in layer: AttestationResult.LayerResult
    ) -> AttestationResult.DivergentEvent? {
        let divergent = layer.findings.filter { $0.tier != .affirming && $0.pcr != nil }
        let seen = divergent.filter { $0.event != nil }.min { ($0.event ?? 0) < ($1.event ?? 0) }
        return (seen ?? divergent.first).map(AttestationResult.DivergentEvent.init)
    }
}
