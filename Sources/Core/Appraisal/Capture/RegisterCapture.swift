internal import ReferenceValues
internal import TCGEventLog
internal import TPMStructures

/// One register over all machines: the rule that is proposed for it, and what the report says.
struct RegisterCapture {
    private(set) var rule: ReferenceSet.PCRRule
    private(set) var register: CaptureReport.Register
    private(set) var differences: [CaptureReport.Difference] = []

    private let pcr: PCRIndex
    private let banks: [PCRBank]
    private let machineCount: Int

    /// A register that nobody can judge: its log does not add up to it, or it was not quoted.
    init(ignoring reason: String, _ pcr: PCRIndex, distinctValues: Int) {
        self.pcr = pcr
        banks = []
        machineCount = 0
        rule = ReferenceSet.PCRRule(ignoring: reason, pcr: Int(pcr.rawValue))
        register = CaptureReport.Register(
            pcr: Int(pcr.rawValue), rule: .ignore, stableEvents: 0, varyingEvents: 0, distinctValues: distinctValues,
            reason: reason)
    }

    /// - Parameter events: of each machine, in order.
    init(_ pcr: PCRIndex, _ events: [[MeasuredEvent]], _ banks: [PCRBank], distinctValues: Int) {
        self.pcr = pcr
        self.banks = banks
        machineCount = events.count
        let number = Int(pcr.rawValue)
        register = CaptureReport.Register(
            pcr: number, rule: .events, stableEvents: 0, varyingEvents: 0, distinctValues: distinctValues, reason: nil)
        rule = ReferenceSet.PCRRule(events: [], pcr: number)
        let machines = events.enumerated().map { place, events in events.map { EventDraft($0, of: place, banks) } }
        if let first = machines.first, Self.differInOrderOnly(machines) {
            rule = ReferenceSet.PCRRule(
                events: first.map { $0.rule(nil, nil, isOptional: false) }, order: .any, pcr: number)
            register.stableEvents = first.count
            differences = [order(machines)]
            return
        }
        var drafts = machines.first ?? []
        for others in machines.dropFirst() { drafts = EventDraft.merge(drafts, others) }
        rule.events = drafts.map { draft in
            guard let difference = difference(draft) else {
                register.stableEvents += 1
                return draft.rule(nil, nil, isOptional: false)
            }
            register.varyingEvents += 1
            differences.append(difference)
            return draft.rule(
                difference.proposal, difference.reason, isOptional: draft.machines.count < machineCount)
        }
    }

    // MARK: Order

    private static func differInOrderOnly(_ machines: [[EventDraft]]) -> Bool {
        func digests(_ drafts: [EventDraft]) -> [[PCRBank: Digest]] { drafts.map { $0.alternatives[0].digests } }
        guard let first = machines.first.map(digests), machines.count > 1 else { return false }
        let counts = Self.counts(first)
        var isMoved = false
        for machine in machines.dropFirst() {
            let own = digests(machine)
            guard own.count == first.count, Self.counts(own) == counts else { return false }
            isMoved = isMoved || own != first
        }
        return isMoved
    }

    private static func counts(_ digests: [[PCRBank: Digest]]) -> [[PCRBank: Digest]: Int] {
        digests.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    private func order(_ machines: [[EventDraft]]) -> CaptureReport.Difference {
        let orders = Set(machines.map { $0.map { $0.alternatives[0].digests } }).count
        return CaptureReport.Difference(
            pcr: Int(pcr.rawValue), component: "order", name: "all events of the register", machines: machineCount,
            distinctValues: orders, proposal: .anyOrder,
            reason: "\(machineCount) machines measured the same events in \(orders) orders", values: [])
    }

    // MARK: What varies

    /// Registers whose events are settings and tables, never code, keys or commands: there a machine may have its own.
    private var mayHaveOwnContent: Bool { ReferenceSet.EventRule.anyContentPCRs.contains(Int(pcr.rawValue)) }

    /// Nil where every machine shows the same.
    private func difference(_ draft: EventDraft) -> CaptureReport.Difference? {
        let (holders, distinct) = (draft.machines.count, draft.alternatives.count)
        guard distinct > 1 || holders < machineCount else { return nil }
        let isOwn = mayHaveOwnContent && distinct >= Self.minimumOwnValues && 2 * distinct > holders
        let lacking = machineCount - holders
        let missing = lacking == 0 ? "" : "; \(lacking) of \(machineCount) machines lack it"
        let proposal: CaptureReport.Proposal
        let reason: String
        switch (isOwn, distinct) {
        case (true, _):
            proposal = .anyContent
            reason = "\(distinct) contents on \(holders) machines: each machine has its own\(missing)"
        case (false, 1):
            proposal = .optional
            reason = "\(holders) of \(machineCount) machines have it"
        case (false, _):
            proposal = .alternatives
            reason = "\(distinct) contents on \(holders) machines\(missing)"
        }
        return CaptureReport.Difference(
            pcr: Int(pcr.rawValue), component: draft.component.kind.rawValue, name: draft.name, machines: holders,
            distinctValues: distinct, proposal: proposal, reason: reason,
            values: draft.alternatives.sorted { $0.machines.count > $1.machines.count }.map(value))
    }

    /// Fewer contents may be two populations rather than one content for each machine.
    private static let minimumOwnValues = 3

    private func value(_ alternative: EventDraft.Alternative) -> CaptureReport.Value {
        let digest = alternative.digests.max { ($0.key.digestSize, $0.key) < ($1.key.digestSize, $1.key) }?.value
        return CaptureReport.Value(
            digest: digest?.description ?? "", text: alternative.text, machines: alternative.machines.sorted())
    }
}
