internal import ReferenceValues
internal import TCGEventLog
internal import TPMStructures

/// The differences of one register. Equal events are paired by the digests of every common bank, in order; what is left is
/// paired by what it is about.
struct RegisterChanges {
    private(set) var changes: [BootChange] = []
    private let pcr: PCRIndex
    /// The PCR whose meaning the register has.
    private let meaning: PCRIndex
    private let banks: [PCRBank]
    private let shown: PCRBank

    init(
        _ pcr: PCRIndex, meaning: PCRIndex, _ before: [TCGPCREvent2], _ after: [TCGPCREvent2], banks: [PCRBank],
        shown: PCRBank
    ) {
        self.pcr = pcr
        self.meaning = meaning
        self.banks = banks
        self.shown = shown
        let (old, new) = (before.map(digests), after.map(digests))
        let pairs = SequenceAlignment.pairs(new.count, old.count) { new[$0] == old[$1] }
        var (freeNew, freeOld) = (Set(new.indices), Set(old.indices))
        var found: [(place: Int, change: BootChange)] = []
        for (place, other) in pairs {
            freeNew.remove(place)
            freeOld.remove(other)
            if let change = relabelled(before[other], after[place]) { found.append((place, change)) }
        }
        // The same content elsewhere in the register.
        var oldByDigests = Dictionary(grouping: freeOld.sorted(by: >)) { old[$0] }
        for place in freeNew.sorted() {
            guard let other = oldByDigests[new[place]]?.popLast() else { continue }
            freeNew.remove(place)
            freeOld.remove(other)
            found.append((place, change(.moved, before[other], after[place])))
        }
        // Another content of the same thing, in order.
        var oldBySubject = Dictionary(grouping: freeOld.sorted(by: >)) { subject(before[$0]) }
        for place in freeNew.sorted() {
            let subject = subject(after[place])
            if let other = oldBySubject[subject]?.popLast() {
                freeOld.remove(other)
                found.append((place, change(.changed, before[other], after[place])))
            } else {
                found.append((place, change(.added, nil, after[place])))
            }
        }
        for other in freeOld.sorted() {
            // Where the later boot has the next common event.
            let place = pairs.first { $0.1 > other }?.0 ?? after.count
            found.append((place, change(.removed, before[other], nil)))
        }
        changes = found.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
            .map(\.element.change)
    }

    private func subject(_ event: TCGPCREvent2) -> EventSubject {
        EventSubject(event.component, type: event.untrustedEventType.description)
    }

    private func digests(_ event: TCGPCREvent2) -> [Digest?] { banks.map { event.digest($0) } }

    /// Where nothing covers the data, honest boots differ in addresses, sizes and words. A covered text that no longer has its
    /// digest, or the same bytes under another type, is somebody's writing.
    private func relabelled(_ before: TCGPCREvent2, _ after: TCGPCREvent2) -> BootChange? {
        let isRetyped = before.untrustedEventType != after.untrustedEventType
        let isRewritten = !isRetyped && before.dataVerified != after.dataVerified
        guard isRewritten || isRetyped && before.dataSlice == after.dataSlice else { return nil }
        return change(.relabelled, before, after)
    }

    private func change(_ kind: BootChange.Kind, _ before: TCGPCREvent2?, _ after: TCGPCREvent2?) -> BootChange {
        let component = (after ?? before)?.component
        return BootChange(
            kind: kind, pcr: Int(pcr.rawValue), layer: .layer(ofUnknownEventIn: meaning) ?? .runtime,
            component: component?.kind ?? .other, name: component?.name ?? "", before: before.map(compared),
            after: after.map(compared), details: ChangeDetails.details(before, after),
            cause: ChangeCause.cause(kind, meaning, before, after))
    }

    private func compared(_ event: TCGPCREvent2) -> ComparedEvent {
        ComparedEvent(
            event: event.index, untrustedType: event.untrustedEventType.description,
            digest: event.digest(shown)?.description ?? "", dataVerified: event.dataVerified,
            description: event.description)
    }
}
