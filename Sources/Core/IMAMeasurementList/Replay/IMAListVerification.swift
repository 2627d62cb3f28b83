public import TPMCryptography
public import TPMStructures

/// Compares a list, as it comes in pieces, with registers of a quote, and finds the longest prefix that the quote stands
/// for. A list grows while a quote is made: what follows the prefix waits for the next quote.
///
/// Each entry is hashed once. Every prefix is compared as the replay passes it, so that searching back costs nothing and
/// keeps nothing but the longest one so far.
public struct IMAListVerification: Sendable {
    private var parser: IMAListParser
    private var follower: Follower

    /// - Parameters:
    ///   - attested: Registers of a verified quote. Every bank in which it covers PCR 10 must agree.
    ///   - modes: Ways in which the node's kernel may have extended a bank. Only a reference can allow more than `native`.
    ///   - checkpoint: Where an earlier verification of the same list ended; nil starts at its first entry.
    ///   - start: What registers other than PCR 10 held before the first entry, for lists that extend them too.
    /// - Returns: nil when the checkpoint lacks a lane that this comparison needs: only the whole list will do.
    public init?(
        attested: AttestedPCRs, modes: Set<IMAExtension> = [.native], resuming checkpoint: IMACheckpoint? = nil,
        start: PCRValues = PCRValues()
    ) {
        self.init(againstUnsigned: attested.values, modes: modes, resuming: checkpoint, start: start)
    }

    /// As ``init(attested:modes:resuming:start:)``, for register values that nobody signed.
    ///
    /// - Warning: What agrees here agrees with whoever sent the values. For inspection and tests.
    public init?(
        againstUnsigned values: PCRValues, modes: Set<IMAExtension> = [.native],
        resuming checkpoint: IMACheckpoint? = nil, start: PCRValues = PCRValues()
    ) {
        let banks = values.banks.keys.filter { values[$0, IMAReplay.pcr] != nil }
        let lanes = Set(
            banks.flatMap { bank in modes.compactMap { IMALane(bank, $0) } + [IMALane(bank, .native)] }
                .compactMap(\.self))
        if let checkpoint {
            guard lanes.isSubset(of: checkpoint.replay.lanes) else { return nil }
            parser = IMAListParser(
                layout: checkpoint.layout, entryCount: checkpoint.entryCount, offset: checkpoint.offset)
            follower = Follower(checkpoint.replay, values, allowed: lanes)
        } else {
            parser = IMAListParser()
            follower = Follower(IMAReplay(lanes: lanes, start: start), values, allowed: lanes)
        }
        _ = follower.compare(end: parser.offset)
    }

    /// Complete entries so far, counted from the list's beginning.
    public var entryCount: Int { parser.entryCount }
    /// Where the last complete entry ends in the list.
    public var offset: Int { parser.offset }

    /// Reads the list's next bytes.
    ///
    /// - Parameter each: Sees every entry, also those that the quote turns out not to stand for: judge an entry only by
    ///   the number of ``IMAListOutcome``'s prefix.
    public mutating func append(
        _ chunk: Span<UInt8>, _ each: (IMAMeasurement) -> Void = { _ in }
    ) throws(IMAListError) {
        try append(chunk, reporting: { entry, _ in each(entry) })
    }

    /// As ``append(_:_:)``.
    ///
    /// - Parameter each: Its second argument tells whether the quote stands for the list up to and with this entry. The
    ///   last entry for which it does ends the prefix, so that what was made of the entries so far can be kept there.
    public mutating func append(
        _ chunk: Span<UInt8>, reporting each: (IMAMeasurement, _ agrees: Bool) -> Void
    ) throws(IMAListError) {
        var follower = follower
        defer { self.follower = follower }
        try parser.append(chunk) { entry in
            let agrees = follower.add(entry)
            each(entry, agrees)
        }
    }

    /// The list ends here.
    public mutating func finish(
        _ each: (IMAMeasurement) -> Void = { _ in }
    ) throws(IMAListError) -> IMAListOutcome {
        try finish(reporting: { entry, _ in each(entry) })
    }

    /// As ``finish(_:)``, with what ``append(_:reporting:)`` tells of each entry.
    public mutating func finish(
        reporting each: (IMAMeasurement, _ agrees: Bool) -> Void
    ) throws(IMAListError) -> IMAListOutcome {
        var follower = follower
        defer { self.follower = follower }
        try parser.finish { entry in
            let agrees = follower.add(entry)
            each(entry, agrees)
        }
        guard follower.comparesAnything else { return .nothingToCompare }
        guard let matched = follower.matched else {
            return .disagrees(IMACheckpoint(layout: parser.layout, offset: parser.offset, replay: follower.replay))
        }
        return .agrees(
            ReplayedIMAList(
                checkpoint: IMACheckpoint(
                    layout: matched.replay.entryCount == 0 ? nil : parser.layout, offset: matched.end,
                    replay: matched.replay),
                attested: follower.values, waitingEntries: parser.entryCount - matched.replay.entryCount))
    }

    /// The state that grows with each entry, apart from the parser that hands entries out.
    private struct Follower: Sendable {
        var replay: IMAReplay
        let values: PCRValues
        /// For each bank the places of the lanes that may agree, and the value of PCR 10.
        let banks: [(bank: PCRBank, places: [Int], wanted: Digest)]
        var matched: (end: Int, replay: IMAReplay)?

        init(_ replay: IMAReplay, _ values: PCRValues, allowed: Set<IMALane>) {
            self.replay = replay
            self.values = values
            banks = values.banks.keys.sorted().compactMap { bank in
                values[bank, IMAReplay.pcr].map { wanted in
                    (
                        bank,
                        replay.lanes.indices.filter {
                            replay.lanes[$0].bank == bank && allowed.contains(replay.lanes[$0])
                        },
                        wanted
                    )
                }
            }
        }

        var comparesAnything: Bool { !banks.isEmpty }

        mutating func add(_ entry: IMAMeasurement) -> Bool {
            replay.add(entry)
            return compare(end: entry.offset + entry.size)
        }

        /// Keeps the state when every register that the list extends holds, in every bank, what the quote says.
        mutating func compare(end: Int) -> Bool {
            guard comparesAnything else { return false }
            for bank in banks {
                guard bank.places.contains(where: { agrees(bank.bank, $0, bank.wanted) }) else { return false }
            }
            matched = (end, replay)
            return true
        }

        private func agrees(_ bank: PCRBank, _ place: Int, _ wanted: Digest) -> Bool {
            guard replay.holds(wanted, place, IMAReplay.pcr) else { return false }
            return replay.extended.indices.allSatisfy { pcr in
                guard let value = values[bank, pcr] else { return false }
                return replay.holds(value, place, pcr)
            }
        }
    }
}

/// What came of comparing a list with a quote.
public enum IMAListOutcome: Sendable {
    case agrees(ReplayedIMAList)
    /// `IMA_REPLAY`: no prefix of the list makes the quoted registers. The state after all of it, for findings.
    case disagrees(IMACheckpoint)
    /// `IMA_REPLAY`: the quote covers PCR 10 in no bank.
    case nothingToCompare

    public var replayed: ReplayedIMAList? {
        if case .agrees(let list) = self { list } else { nil }
    }

    /// Everything that the list breaks whatever the references say.
    public func findings(attested: PCRValues) -> [IMAFinding] {
        switch self {
        case .agrees(let list): return list.findings
        case .disagrees(let checkpoint):
            return [
                IMAFinding(
                    .replay, pcr: IMAReplay.pcr, name: "PCR 10",
                    "no prefix of the list's \(checkpoint.entryCount) entries makes the registers that the TPM signed")
            ] + checkpoint.replay.findings(attested: attested)
        case .nothingToCompare:
            return [
                IMAFinding(.replay, pcr: IMAReplay.pcr, name: "PCR 10", "the quote does not cover PCR 10 in any bank")
            ]
        }
    }
}

/// The entries of a list that a TPM signed: their data, their registers and their order.
public struct ReplayedIMAList: Sendable {
    /// Behind the last signed entry: where the next verification goes on.
    public let checkpoint: IMACheckpoint
    /// The registers that it was compared with.
    public let attested: PCRValues
    /// Complete entries that follow and that this quote does not stand for.
    public let waitingEntries: Int

    init(checkpoint: IMACheckpoint, attested: PCRValues, waitingEntries: Int) {
        self.checkpoint = checkpoint
        self.attested = attested
        self.waitingEntries = waitingEntries
    }

    /// How the kernel extended each bank, as far as the values tell: the first way that agrees.
    public var modes: [PCRBank: IMAExtension] {
        var modes: [PCRBank: IMAExtension] = [:]
        for lane in checkpoint.replay.lanes where modes[lane.bank] == nil {
            let agrees = checkpoint.replay.value(lane, IMAReplay.pcr) == attested[lane.bank, IMAReplay.pcr]
            if agrees { modes[lane.bank] = lane.mode }
        }
        return modes
    }

    /// Signed entries: judge those whose number is below.
    public var entryCount: Int { checkpoint.entryCount }
    /// What the signed entries break whatever the references say.
    public var findings: [IMAFinding] { checkpoint.replay.findings(attested: attested) }
}
