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

    /// Several sources make alternatives: an event that differs between them may be any of what was seen, one that some of
    /// them lack is optional.
    ///
    /// - Parameter layers: Layers to cover besides `tpm-identity`: of those of the boot, and `runtime`, for which every
    ///   source needs its measurement list.
    public static func draft(
        name: String, group: String, from sources: [Source], layers: [LayerID] = LayerID.boot
    ) throws(Failure) -> ReferenceSet {
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
        let rules = registers.indices.map { pcr in
            rule(pcr, sources, logs, events.map { $0[pcr] ?? [] }, banks)
        }
        var covered = wanted
        var runtime: ReferenceSet.Runtime?
        if layers.contains(.runtime) {
            covered.append(.runtime)
            runtime = try allowList(sources)
        }
        let judged = PCRSet(rules.filter { $0.rule != .ignore }.compactMap { PCRIndex($0.pcr) })
        return ReferenceSet(
            name: name, group: group, provenance: sources.map(\.label), banks: banks.map(\.name),
            layers: [ReferenceSet.LayerRule(id: .tpmIdentity)] + covered.map { ReferenceSet.LayerRule(id: $0) },
            pcrs: rules, waivers: waivers(sources, logs, judged, banks), runtime: runtime)
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
                let measured = try MeasuredEntries(bytes, source.pcrs, acceptsPaddedSHA1: false)
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
        EventDraft(event, banks).rule
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

    private static func rule(
        _ pcr: PCRIndex, _ sources: [Source], _ logs: [TCGEventLog], _ events: [[MeasuredEvent]], _ banks: [PCRBank]
    ) -> ReferenceSet.PCRRule {
        let number = Int(pcr.rawValue)
        for (source, log) in zip(sources, logs) {
            guard banks.allSatisfy({ source.pcrs[$0, pcr] != nil }) else {
                return ReferenceSet.PCRRule(ignoring: "not quoted by \(source.label)", pcr: number)
            }
            guard log.replay(against: source.pcrs, covering: PCRSet([pcr])).replayed != nil else {
                return ReferenceSet.PCRRule(
                    ignoring: "extended beyond the event log of \(source.label), by the operating system", pcr: number)
            }
        }
        var drafts = (events.first ?? []).map { EventDraft($0, banks) }
        for others in events.dropFirst() { drafts = EventDraft.merge(drafts, others, banks) }
        return ReferenceSet.PCRRule(events: drafts.map(\.rule), pcr: number)
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

/// One event rule in the making.
private struct EventDraft {
    var name: String
    var type: String
    var layer: LayerID?
    var alternatives: [[PCRBank: Digest]]
    var commandLines: [[String]]
    var isOptional = false

    init(_ event: MeasuredEvent, _ banks: [PCRBank]) {
        name = event.untrustedName
        type = event.untrustedType
        let own = Self.layer(of: event)
        layer = own == .layer(ofUnknownEventIn: event.pcr) ? nil : own
        alternatives = [event.digests.filter { banks.contains($0.key) }]
        commandLines = []
        if let line = event.verifiedCommandLine, event.pcr.rawValue == 8 {
            let tokens = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            let hashed = Dictionary(uniqueKeysWithValues: banks.map { ($0, MessageDigest.hash(Array(line.utf8), $0)) })
            if hashed == alternatives[0] {
                commandLines = [tokens]
                name = "kernel command line"
            }
        }
    }

    var rule: ReferenceSet.EventRule {
        ReferenceSet.EventRule(
            name: name, type: type, layer: layer,
            digests: commandLines.isEmpty
                ? alternatives.map { alternative in
                    Dictionary(uniqueKeysWithValues: alternative.map { ($0.key.name, $0.value.hex) })
                } : nil,
            commandLines: commandLines.isEmpty ? nil : commandLines, optional: isOptional)
    }

    /// On a machine that is held to be good the log's words may say to which layer an event belongs; people approve it.
    private static func layer(of event: MeasuredEvent) -> LayerID? {
        let isImage = event.component.kind == .application || event.component.kind == .kernelImage
        return switch (event.pcr.rawValue, event.component.kind) {
        // Shim measures the kernel that GRUB loads without a device path.
        case (4, _) where isImage && event.component.name.hasPrefix("image of "): .kernel
        case (8, .bootLoaderCommand), (9, .file), (12, .bootLoaderCommand): .bootLoader
        default: .layer(ofUnknownEventIn: event.pcr)
        }
    }

    static func merge(_ drafts: [EventDraft], _ events: [MeasuredEvent], _ banks: [PCRBank]) -> [EventDraft] {
        let others = events.map { EventDraft($0, banks) }
        let pairs = SequenceAlignment.pairs(others.count, drafts.count) { other, draft in
            drafts[draft].alternatives.contains(others[other].alternatives[0])
        }
        var merged: [EventDraft] = []
        var (other, draft) = (0, 0)
        for (nextOther, nextDraft) in pairs + [(others.count, drafts.count)] {
            while other < nextOther || draft < nextDraft {
                if other < nextOther, draft < nextDraft {
                    merged.append(drafts[draft].adding(others[other]))
                } else {
                    var single = other < nextOther ? others[other] : drafts[draft]
                    single.isOptional = true
                    merged.append(single)
                }
                if other < nextOther { other += 1 }
                if draft < nextDraft { draft += 1 }
            }
            if nextDraft < drafts.count {
                merged.append(drafts[nextDraft])
                other += 1
                draft += 1
            }
        }
        return merged
    }

    private func adding(_ other: EventDraft) -> EventDraft {
        var result = self
        result.alternatives += other.alternatives
        if commandLines.isEmpty || other.commandLines.isEmpty {
            result.commandLines = []
        } else {
            result.commandLines += other.commandLines
        }
        return result
    }
}
