internal import Appraisal
internal import AssetFingerprints
internal import AttestationMessages
internal import ByteParsing
internal import Crypto
internal import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

/// Runs the appraisal of complete evidence, and keeps the part of it that belongs to the boot.
struct EvidenceAppraiser: Sendable {
    let memory: AppraisalMemory

    /// What is judged, complete.
    struct Input: Sendable {
        var identityFindings: [Finding]
        var registers: EvidenceVerification.Registers?
        var eventLogSHA256: [UInt8]?
        var fingerprintFindings: [Finding]?
        /// Layer 7; nil where no references judge it, or no registers are attested.
        var runtime: RuntimeAppraisal?
        var now: Int64
    }

    /// - Parameter eventLog: called only when this boot was not judged before; nil where none was sent.
    func appraise(
        _ input: Input, _ policy: GroupPolicy, eventLog: () async throws -> [UInt8]?
    ) async throws -> AttestationResult {
        var pcrs: AttestedPCRs?
        var boot: BootAppraisal?
        switch input.registers {
        case .judged(let known): boot = known
        case .attested(let values):
            pcrs = values
            guard let references = policy.appraiser.references else { break }
            let key = JudgedBoot(values.quote, eventLogSHA256: input.eventLogSHA256, policy)
            if let known = memory.boots[key] {
                boot = known
            } else {
                let made = Appraiser.appraiseBoot(
                    values, eventLog: try await eventLog(), references: references,
                    revocations: policy.appraiser.revocations)
                memory.boots.insert(made, for: key)
                boot = made
            }
        case .unsettled, nil: break
        }
        return policy.appraiser.appraise(
            AppraisalInput(
                identityFindings: input.identityFindings, pcrs: pcrs, eventLog: nil,
                fingerprintFindings: input.fingerprintFindings, reference: policy.reference,
                referenceStatus: policy.reference == nil ? nil : .approved, labMode: policy.labMode,
                identity: .enrolled, binding: .evidence, atMilliseconds: input.now), boot: boot,
            runtime: input.runtime)
    }

    /// Layer 10: every difference to the approved baselines. Nil where no baseline is approved.
    static func compare(_ reports: [FingerprintKind: [UInt8]], _ policy: GroupPolicy) -> [Finding]? {
        FingerprintFindings.findings(reports, against: policy.baselines, denies: policy.deniesDifferences)
    }

    /// Equal for results that say the same at different times.
    static func digest(_ result: AttestationResult) -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 1024)
        func add(_ text: String?) {
            writer.writeBigEndian(text.map { UInt32(clamping: $0.utf8.count) } ?? UInt32.max)
            if let text { writer.write(text.utf8) }
        }
        add(result.verdict.rawValue)
        add(result.reference?.documentSHA256)
        add(result.labMode ? "lab" : nil)
        for layer in result.layers {
            add(layer.id.rawValue)
            add(layer.tier.rawValue)
            add(layer.trustworthy ? "t" : "n")
            add(layer.required ? "r" : "o")
            for finding in layer.findings {
                add(finding.id)
                add(finding.tier.rawValue)
                add(finding.name)
                add(finding.expected)
                add(finding.seen)
                add(finding.detail)
            }
        }
        for waiver in result.waivers {
            add(waiver.finding)
            add("\(waiver.pcr) \(waiver.count)")
        }
        return Array(SHA256.hash(data: writer.bytes))
    }
}
