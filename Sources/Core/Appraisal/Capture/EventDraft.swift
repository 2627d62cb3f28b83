internal import ReferenceValues
internal import TCGEventLog
internal import TPMCryptography
internal import TPMStructures

/// One event rule in the making, with what each machine showed in its place.
struct EventDraft {
    struct Alternative {
        var digests: [PCRBank: Digest]
        /// Tokens of a kernel command line that the digests are the hash of.
        var commandLine: [String]?
        /// The log's word.
        var text: String
        /// Places of the machines that showed it.
        var machines: [Int]
    }

    private(set) var name: String
    private let type: String
    private let layer: LayerID?
    let component: EventComponent
    private(set) var alternatives: [Alternative]

    init(_ event: MeasuredEvent, of machine: Int, _ banks: [PCRBank]) {
        name = event.untrustedName
        type = event.untrustedType
        component = event.component
        let own = Self.layer(of: event)
        layer = own == .layer(ofUnknownEventIn: event.pcr) ? nil : own
        let digests = event.digests.filter { banks.contains($0.key) }
        var alternative = Alternative(
            digests: digests, commandLine: nil, text: event.untrustedName, machines: [machine])
        if let line = event.verifiedCommandLine, event.pcr.rawValue == 8 {
            let hashed = Dictionary(uniqueKeysWithValues: banks.map { ($0, MessageDigest.hash(Array(line.utf8), $0)) })
            if hashed == digests {
                alternative.commandLine = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
                name = "kernel command line"
            }
        }
        alternatives = [alternative]
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

    /// Machines that have the event.
    var machines: [Int] { alternatives.flatMap(\.machines) }

    func matches(_ other: EventDraft) -> Bool {
        alternatives.contains { $0.digests == other.alternatives[0].digests }
    }

    /// - Parameter proposal: what the rule allows; nil where the event is the same on all machines.
    func rule(_ proposal: CaptureReport.Proposal?, _ reason: String?, isOptional: Bool) -> ReferenceSet.EventRule {
        if proposal == .anyContent {
            return ReferenceSet.EventRule(
                name: name, type: type, layer: layer, anyContent: reason ?? "", optional: isOptional)
        }
        let lines = alternatives.compactMap(\.commandLine)
        let isCommandLine = lines.count == alternatives.count
        return ReferenceSet.EventRule(
            name: name, type: type, layer: layer,
            digests: isCommandLine
                ? nil
                : alternatives.map { alternative in
                    Dictionary(uniqueKeysWithValues: alternative.digests.map { ($0.key.name, $0.value.hex) })
                }, commandLines: isCommandLine ? lines : nil, optional: isOptional)
    }

    // MARK: Merging

    /// Adds another machine's events: equal digests are the same event, in order; between two such, what is about the same
    /// thing is another content of it. Each machine's events stay a subsequence of the result.
    static func merge(_ drafts: [EventDraft], _ others: [EventDraft]) -> [EventDraft] {
        aligned(drafts, others, where: { $0.matches($1) }) { drafts, others in
            aligned(drafts, others, where: { $0.subject == $1.subject }, between: byKind)
        }
    }

    /// Adds each event to its counterpart, and puts what `between` makes of the stretches in between where they were.
    private static func aligned(
        _ drafts: [EventDraft], _ others: [EventDraft], where isSame: (EventDraft, EventDraft) -> Bool,
        between: ([EventDraft], [EventDraft]) -> [EventDraft]
    ) -> [EventDraft] {
        let pairs = SequenceAlignment.pairs(others.count, drafts.count) { isSame(drafts[$1], others[$0]) }
        var merged: [EventDraft] = []
        var (other, draft) = (0, 0)
        for (nextOther, nextDraft) in pairs + [(others.count, drafts.count)] {
            merged += between(Array(drafts[draft..<nextDraft]), Array(others[other..<nextOther]))
            if nextDraft < drafts.count { merged.append(drafts[nextDraft].adding(others[nextOther])) }
            (other, draft) = (nextOther + 1, nextDraft + 1)
        }
        return merged
    }

    /// What is left: one after the other where both are of one kind.
    private static func byKind(_ drafts: [EventDraft], _ others: [EventDraft]) -> [EventDraft] {
        guard drafts.count == others.count, zip(drafts, others).allSatisfy({ $0.component.kind == $1.component.kind })
        else { return drafts + others }
        return zip(drafts, others).map { $0.adding($1) }
    }

    private var subject: EventSubject { EventSubject(component, type: type) }

    private func adding(_ other: EventDraft) -> EventDraft {
        var result = self
        for alternative in other.alternatives {
            if let place = result.alternatives.firstIndex(where: { $0.digests == alternative.digests }) {
                result.alternatives[place].machines += alternative.machines
            } else {
                result.alternatives.append(alternative)
            }
        }
        return result
    }
}
