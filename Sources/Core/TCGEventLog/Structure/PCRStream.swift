internal import TPMStructures

/// The events that extend one PCR, in order. Rules are stated over streams, because no quote covers the order between
/// different PCRs (catalogue row EL-15).
struct PCRStream {
    let pcr: PCRIndex
    let events: [TCGPCREvent2]
    /// Positions in `events` of separators, labelled or in disguise.
    let separators: [Int]

    init(pcr: PCRIndex, events: [TCGPCREvent2]) {
        self.pcr = pcr
        self.events = events
        separators = events.indices.filter {
            events[$0].untrustedEventType == .separator || events[$0].looksLikeSeparator
        }
    }

    /// One stream for each of the 24 registers, empty ones too.
    static func all(of log: TCGEventLog) -> [PCRStream] {
        var events = [[TCGPCREvent2]](repeating: [], count: PCRIndex.count)
        for event in log.events where event.isExtended { events[Int(event.registerIndex)].append(event) }
        return PCRIndex.all.map { PCRStream(pcr: $0, events: events[Int($0.rawValue)]) }
    }

    var beforeSeparator: ArraySlice<TCGPCREvent2> { events[..<(separators.first ?? events.count)] }
    /// Empty when there is no separator.
    var afterSeparator: ArraySlice<TCGPCREvent2> {
        separators.first.map { events[($0 + 1)...].filter { !isSeparator($0) }[...] } ?? []
    }

    private func isSeparator(_ event: TCGPCREvent2) -> Bool {
        separators.contains { events[$0].index == event.index }
    }
}

extension TCGPCREvent2 {
    /// A separator by its data and digest, whatever its label: a label costs an attacker nothing.
    var looksLikeSeparator: Bool {
        guard dataRange.count == 4 else { return false }
        let data = data
        guard data == [0, 0, 0, 0] || data == [0xFF, 0xFF, 0xFF, 0xFF] || data == [1, 0, 0, 0] else { return false }
        if case .verified = dataVerification { return true }
        return false
    }

    /// The text of an EV_ACTION or EV_EFI_ACTION, only where the digests cover it, whatever the label.
    func isVerifiedAction(_ text: String) -> Bool {
        dataSlice.elementsEqual(text.utf8) && dataVerification == .verified(.whole)
    }
}

extension LogFinding {
    init(
        _ id: LogReason, _ event: TCGPCREvent2, severity: Severity = .contraindicated, quirk: LogQuirk? = nil,
        expected: String, seen: String, _ detail: String
    ) {
        self.init(
            id: id, severity: severity, pcr: event.pcr, eventIndex: event.index, name: event.component.name,
            expected: expected, seen: LogText.escape(seen), detail: detail, digests: event.digests, quirk: quirk)
    }

    /// About an EV_NO_ACTION event: its register is PCR 0, where the profile puts such events, and its digests identify
    /// nothing, so that a waiver names none.
    init(
        noAction id: LogReason, _ event: TCGPCREvent2, quirk: LogQuirk?, expected: String, seen: String,
        _ detail: String
    ) {
        self.init(
            id: id, severity: .contraindicated, pcr: event.pcr ?? PCRIndex(0), eventIndex: event.index,
            name: event.component.name, expected: expected, seen: LogText.escape(seen), detail: detail, digests: [],
            quirk: quirk)
    }

    init(
        missing id: LogReason, _ pcr: PCRIndex?, severity: Severity = .contraindicated, quirk: LogQuirk? = nil,
        name: String, expected: String, _ detail: String
    ) {
        self.init(
            id: id, severity: severity, pcr: pcr, eventIndex: nil, name: name, expected: expected, seen: "nothing",
            detail: detail, digests: [], quirk: quirk)
    }
}
