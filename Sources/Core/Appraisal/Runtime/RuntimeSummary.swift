internal import IMAMeasurementList
public import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

/// What references say about the entries 0..<``entryCount`` of one boot's measurement list. Entries only ever lower it.
///
/// Kept beside the replay's checkpoint, it makes judging a list cost what its new entries cost: a summary of `n` entries and
/// the entries from `n` on give the same summary as all entries at once. It holds under one policy only: whatever changes the
/// references makes it void, and the whole list is judged again.
public struct RuntimeSummary: Hashable, Sendable, Codable {
    /// Findings of one id that are kept; beyond it only the count goes on. No tier depends on what is left out.
    public static let maximumFindings = 64

    /// ``CompiledRuntime/identity`` of the references that it was made under.
    public let policy: String
    /// Entries judged so far.
    public private(set) var entryCount = 0
    /// In the order of the list, at most ``maximumFindings`` of each id.
    public private(set) var findings: [Finding] = []
    /// How many entries each id was found in.
    public private(set) var counts: [String: Int] = [:]
    /// The digest of the first entry, where that is the boot aggregate: `sha256:<hex>`.
    public private(set) var bootAggregate: String?
    /// How many entries rest on each signer, by its number in the references.
    public private(set) var signed: [Int: Int] = [:]
    /// Kernels that were started by a kexec that the references allow.
    public private(set) var allowedKexecs = 0
    /// Whether another kernel was made ready by kexec since the last one started.
    private var kexecSeen = false
    /// Whether the last command line for kexec is one of the references'.
    private var kexecAllowed = false

    /// Nothing judged yet.
    public init(_ rules: CompiledRuntime) { policy = rules.identity }

    public func isUsable(under rules: CompiledRuntime) -> Bool { policy == rules.identity && !policy.isEmpty }

    /// Judges the entries that follow the ones judged so far.
    ///
    /// - Returns: false, having judged nothing, when this summary was made under other references.
    public mutating func judge(
        _ entries: some Sequence<RuntimeEntry>, by rules: CompiledRuntime,
        signatures: inout some SignatureVerdictKeeping
    ) -> Bool {
        guard isUsable(under: rules) else { return false }
        for entry in entries {
            judge(entry, rules, &signatures)
            entryCount += 1
        }
        return true
    }

    /// Judges the one entry that follows, under the references that this summary was made under: the caller knows that it
    /// is usable. A listed file costs two lookups and allocates nothing.
    mutating func judge(
        next measurement: IMAMeasurement, by rules: CompiledRuntime, signatures: inout some SignatureVerdictKeeping
    ) {
        if entryCount == 0 || !Self.isListed(measurement, rules) {
            judge(RuntimeEntry(measurement), rules, &signatures)
        }
        entryCount += 1
    }

    private static func isListed(_ entry: IMAMeasurement, _ rules: CompiledRuntime) -> Bool {
        guard !entry.isViolation, entry.pcr.rawValue == LayerID.measurementListPCR, entry.template?.isBuffer == false,
            let algorithm = entry.fileDigestAlgorithm?.hashAlgorithm, let path = entry.eventName,
            let digest = entry.fileDigestSlice,
            path.count != bootAggregateName.count || !path.elementsEqual(bootAggregateName)
        else { return false }
        // The second digest may be on the deny-list.
        if entry.template?.hasAppendedSignature == true, entry.modsig != nil { return false }
        return rules.lists(
            path: path.span, digest: digest.span, algorithm, isVerity: entry.fileDigestKind == .verity)
    }

    private static let bootAggregateName = Array("boot_aggregate".utf8)

    private mutating func judge(
        _ entry: RuntimeEntry, _ rules: CompiledRuntime, _ signatures: inout some SignatureVerdictKeeping
    ) {
        if entry.path == Self.bootAggregateName, !entry.isBuffer { return bootAggregate(entry) }
        if entryCount == 0 {
            add(
                IMAReason.bootAggregate.rawValue, entry, expected: "boot_aggregate", seen: PathText.escaped(entry.path),
                "the list does not begin with the boot aggregate")
        }
        let verdict = rules.verdict(entry, signatures: &signatures)
        if entry.announcesKexec {
            kexecSeen = true
            kexecAllowed = verdict == .listed
        }
        switch verdict {
        case .listed, .excluded: return
        case .signed(let signer): signed[signer, default: 0] += 1
        case .refused(let refusal): refuse(entry, refusal, rules.onUnknown)
        }
    }

    /// The first entry holds it, and only a kexec that the references allow may repeat it: once for each command line.
    private mutating func bootAggregate(_ entry: RuntimeEntry) {
        let seen = entry.digestText
        if entryCount == 0 {
            bootAggregate = seen
        } else if kexecSeen, kexecAllowed, seen == bootAggregate {
            allowedKexecs += 1
            kexecSeen = false
            kexecAllowed = false
        } else if kexecSeen {
            add(
                IMAReason.kexec.rawValue, entry, expected: bootAggregate, seen: seen,
                "another kernel was started by kexec: a second boot aggregate")
        } else {
            add(
                IMAReason.bootAggregate.rawValue, entry, expected: "one boot aggregate, at the beginning", seen: seen,
                bootAggregate == nil ? "the boot aggregate is not the first entry" : "a second boot aggregate")
        }
    }

    private mutating func refuse(
        _ entry: RuntimeEntry, _ refusal: RuntimeVerdict.Refusal, _ onUnknown: ReferenceSet.LayerRule.OnUnknown
    ) {
        let name = PathText.escaped(entry.path)
        let seen = entry.digestText
        switch refusal {
        case .unknown:
            add(
                IMAReason.unknownFile.rawValue, entry, tier: onUnknown == .warn ? .warning : .contraindicated,
                expected: "nothing", seen: seen,
                entry.isBuffer ? "no reference knows what was measured as \(name)" : "no reference knows \(name)")
        case .digest(let expected):
            add(
                IMAReason.digest.rawValue, entry, expected: Self.text(expected), seen: seen, "\(name) has other content"
            )
        case .algorithm(let expected):
            add(
                IMAReason.algorithm.rawValue, entry, expected: expected.isEmpty ? nil : Self.text(expected), seen: seen,
                "\(name) was measured by an algorithm that its references do not have")
        case .signature(let reason):
            add(
                IMAReason.signature.rawValue, entry, expected: "a signature of the references' signers", seen: seen,
                "\(name): \(reason)")
        case .violation:
            add(
                IMAReason.violation.rawValue, entry, expected: "no writer", seen: "violation",
                "\(name) was written while it was read or measured")
        case .template(let reason):
            add(IMAReason.template.rawValue, entry, expected: nil, seen: seen, "\(name): \(reason)")
        case .policy:
            add(
                IMAReason.policyChanged.rawValue, entry, expected: "a policy of the references", seen: seen,
                "an IMA policy that no reference knows was loaded: \(name)")
        case .kexec:
            add(
                IMAReason.kexec.rawValue, entry, expected: "a command line of the references", seen: seen,
                "another kernel is started by kexec: \(name)")
        case .denied(let digest):
            add(
                FindingID.revokedComponent, entry, expected: "anything else", seen: digest.description,
                "\(name) is on the deny-list")
        }
    }

    private static func text(_ digests: [FileDigest]) -> String {
        let shown = digests.prefix(4).map(\.description).joined(separator: " or ")
        return digests.count > 4 ? "\(shown) or \(digests.count - 4) others" : shown
    }

    private mutating func add(
        _ id: String, _ entry: RuntimeEntry, tier: Tier = .contraindicated, expected: String?, seen: String?,
        _ detail: String
    ) {
        counts[id, default: 0] += 1
        guard counts[id, default: 0] <= Self.maximumFindings else { return }
        findings.append(
            Finding(
                id, tier, .runtime, pcr: LayerID.measurementListPCR, event: entryCount,
                name: PathText.escaped(entry.path), expected: expected, seen: seen,
                detail: "entry \(entryCount): \(detail)"))
    }
}

extension RuntimeEntry {
    /// `sha256:<hex>` as the list has it.
    var digestText: String {
        switch content {
        case .file(let digest, _), .buffer(let digest): digest.description
        case .violation: "violation"
        case .unknownAlgorithm(let text), .contradiction(let text): text
        }
    }
}
