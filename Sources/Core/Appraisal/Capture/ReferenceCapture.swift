internal import ByteParsing
public import ReferenceValues
public import TCGEventLog
public import TPMCryptography
package import TPMStructures

/// Makes a draft reference set from the evidence of machines that somebody holds to be good. Nothing here says that they
/// are: a draft decides nothing until people approve it (RV-07).
public enum ReferenceCapture {
    public struct Source: Sendable {
        public var pcrs: AttestedPCRs
        public var eventLog: [UInt8]
        /// Where the evidence comes from; goes into the set's provenance.
        public var label: String
        /// The kernel's measurement list, binary; needed for the layer `runtime` only.
        public var measurementList: [UInt8]?
        public init(pcrs: AttestedPCRs, eventLog: [UInt8], label: String, measurementList: [UInt8]? = nil) {
            self.pcrs = pcrs
            self.eventLog = eventLog
            self.label = label
            self.measurementList = measurementList
        }
    }

    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case noSource
        /// The log of this source cannot be read.
        case unreadable(source: String, TCGEventLogError)
        /// The log does not add up to the quoted registers: what it says is not what was measured.
        case replay(source: String, [ReplayMismatch])
        /// The measurement list is missing, cannot be read, or does not add up to the quoted PCR 10.
        case measurementList(source: String, reason: String)
        /// No bank stronger than SHA-1 is both quoted and logged by every source.
        case noBank

        public var description: String {
            switch self {
            case .noSource: "no evidence to capture from"
            case .unreadable(let source, let error): "\(source): \(error)"
            case .replay(let source, let mismatches):
                "\(source): LOG_REPLAY: \(mismatches.map(\.description).joined(separator: "; "))"
            case .measurementList(let source, let reason): "\(source): \(reason)"
            case .noBank: "no bank stronger than SHA-1 is both quoted and logged by every source"
            }
        }
    }

    /// A draft and what it was made of.
    public struct Captured: Sendable {
        public let set: ReferenceSet
        public let report: CaptureReport
    }

    /// As ``capture(name:group:from:layers:)``, without the report.
    public static func draft(
        name: String, group: String, from sources: [Source], layers: [LayerID] = LayerID.boot
    ) throws(Failure) -> ReferenceSet {
        try capture(name: name, group: group, from: sources, layers: layers).set
    }

    /// Several sources show what is the same on all machines and what is not. Where they differ the draft allows any of what
    /// was seen, or nothing where some lack it; only of settings that every machine has of its own (boot order, partition
    /// GUIDs: at least three contents, on more than half of them) it allows one event of any content. Every source
    /// fulfils the draft.
    ///
    /// - Parameter layers: Layers to cover besides `tpm-identity`: of those of the boot, and `runtime`, for which every
    ///   source needs its measurement list.
    public static func capture(
        name: String, group: String, from sources: [Source], layers: [LayerID] = LayerID.boot
    ) throws(Failure) -> Captured {
        guard !sources.isEmpty else { throw .noSource }
        var logs: [TCGEventLog] = []
        for source in sources { logs.append(try read(source)) }
        let banks = HashAlgorithm.allCases.filter { bank in
            bank != .sha1
                && zip(sources, logs).allSatisfy { source, log in
                    log.banks.contains(bank) && source.pcrs.values.banks[bank]?.isEmpty == false
                }
        }
        guard !banks.isEmpty else { throw .noBank }
        let wanted = layers.filter(LayerID.boot.contains).sorted()
        let registers = PCRSet(wanted.flatMap(\.pcrs.indices))
        let events = logs.map { $0.measuredEvents() }
        let captured = registers.indices.map { pcr in
            register(pcr, sources, logs, events.map { $0[pcr] ?? [] }, banks)
        }
        var covered = wanted
        var runtime: ReferenceSet.Runtime?
        if layers.contains(.runtime) {
            covered.append(.runtime)
            runtime = try allowList(sources)
        }
        let judged = PCRSet(captured.map(\.rule).filter { $0.rule != .ignore }.compactMap { PCRIndex($0.pcr) })
        let set = ReferenceSet(
            name: name, group: group, provenance: sources.map(\.label), banks: banks.map(\.name),
            layers: [ReferenceSet.LayerRule(id: .tpmIdentity)] + covered.map { ReferenceSet.LayerRule(id: $0) },
            pcrs: captured.map(\.rule), waivers: waivers(sources, logs, judged, banks), runtime: runtime)
        return Captured(
            set: set,
            report: CaptureReport(
                machines: sources.count, sources: sources.map(\.label), registers: captured.map(\.register),
                differences: captured.flatMap(\.differences)))
    }

    /// Every file that the sources' lists prove, by path and digest.
    private static func allowList(_ sources: [Source]) throws(Failure) -> ReferenceSet.Runtime {
        var allowList = RuntimeAllowList()
        var shortest = Int.max
        for source in sources {
            guard let bytes = source.measurementList else {
                throw .measurementList(source: source.label, reason: "there is no measurement list")
            }
            do throws(MeasuredEntries.Refusal) {
                let measured = try MeasuredEntries(bytes, source.pcrs)
                shortest = min(shortest, measured.entries.count)
                allowList.add(measured.entries)
            } catch {
                throw .measurementList(source: source.label, reason: String(describing: error))
            }
        }
        var runtime = allowList.merged(into: nil)
        // A machine that attests earlier has measured less; one that measured far less has lost its policy.
        runtime.minimumEntries = max(runtime.minimumEntries, shortest / 2)
        return runtime
    }

    /// The rule that a capture makes of one event.
    package static func rule(for event: MeasuredEvent, banks: [PCRBank]) -> ReferenceSet.EventRule {
        EventDraft(event, of: 0, banks).rule(nil, nil, isOptional: false)
    }

    private static func read(_ source: Source) throws(Failure) -> TCGEventLog {
        let log: TCGEventLog
        do throws(TCGEventLogError) {
            log = try TCGEventLog(parsing: source.eventLog, registers: .pcrs)
        } catch {
            throw .unreadable(source: source.label, error)
        }
        let outcome = log.replay(against: source.pcrs, covering: TCGEventLog.firmwarePCRs)
        guard outcome.replayed != nil else { throw .replay(source: source.label, outcome.mismatches) }
        return log
    }

    // MARK: Rules

    private static func register(
        _ pcr: PCRIndex, _ sources: [Source], _ logs: [TCGEventLog], _ events: [[MeasuredEvent]], _ banks: [PCRBank]
    ) -> RegisterCapture {
        let distinct = Set(sources.map { source in banks.map { source.pcrs[$0, pcr] } }).count
        for (source, log) in zip(sources, logs) {
            guard banks.allSatisfy({ source.pcrs[$0, pcr] != nil }) else {
                return RegisterCapture(ignoring: "not quoted by \(source.label)", pcr, distinctValues: distinct)
            }
            guard log.replay(against: source.pcrs, covering: PCRSet([pcr])).replayed != nil else {
                return RegisterCapture(
                    ignoring: "extended beyond the event log of \(source.label), by the operating system", pcr,
                    distinctValues: distinct)
            }
        }
        return RegisterCapture(pcr, events, banks, distinctValues: distinct)
    }

    /// What the sources' own firmware breaks of the profile's rules of taste, so that approving shows it.
    private static func waivers(
        _ sources: [Source], _ logs: [TCGEventLog], _ judged: PCRSet, _ banks: [PCRBank]
    ) -> [ReferenceSet.Waiver]? {
        struct Key: Hashable {
            var finding: String
            var pcr: Int
            var isMissing: Bool
        }
        var counts: [Key: Int] = [:]
        var digests: [Key: Set<String>] = [:]
        for (source, log) in zip(sources, logs) {
            var own: [Key: Int] = [:]
            let idle = log.bankFindings(attested: Set(source.pcrs.values.banks.filter { !$0.value.isEmpty }.keys))
                .filter { finding in !banks.contains { $0.name == finding.name } }
            for finding in idle + log.findings() where finding.isWaivable {
                guard let pcr = finding.pcr, finding.id == .bankUnused || judged.contains(pcr),
                    ReferenceSet.Waiver.waivable.contains(finding.id.rawValue)
                else { continue }
                let key = Key(
                    finding: finding.id.rawValue, pcr: Int(pcr.rawValue), isMissing: finding.digests.isEmpty)
                own[key, default: 0] += 1
                digests[key, default: []].formUnion(
                    finding.digests.filter { banks.contains($0.algorithm) }.map(\.description))
            }
            counts.merge(own) { max($0, $1) }
        }
        let waivers = counts.map { key, count in
            ReferenceSet.Waiver(
                finding: key.finding, pcr: key.pcr, count: count, digests: (digests[key] ?? []).sorted(),
                reason: "seen on the captured machine")
        }
        let sorted = waivers.sorted {
            ($0.pcr, $0.finding, $0.digests.count) < ($1.pcr, $1.finding, $1.digests.count)
        }
        return sorted.isEmpty ? nil : sorted
    }
}
