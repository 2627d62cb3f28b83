public import TPMCryptography
public import TPMStructures

/// Finds what PCR 10 held when a quote was made, where it moved before the registers were read: the kernel measures while
/// a TPM signs. A quote signs one digest over all its registers, so the others must be those that were read.
///
/// Of several prefixes of the list that make the digest the longest counts. Costs one hash of the quote's registers for
/// each entry, and is not needed where the registers that were read add up.
public struct IMARegisterSearch: Sendable {
    private var parser: IMAListParser
    private var state: State

    /// - Parameters:
    ///   - read: Registers as they were read after the quote; those of PCR 10 are not looked at.
    ///   - modes: As for ``IMAListVerification``.
    ///   - checkpoint: Where an earlier verification of the same list ended; nil starts at its first entry.
    /// - Returns: nil where nothing can be found: the quote does not cover PCR 10, a register is missing, or the checkpoint
    ///   lacks a lane.
    public init?(
        _ quote: VerifiedQuote, read: PCRValues, modes: Set<IMAExtension> = [.native],
        resuming checkpoint: IMACheckpoint? = nil
    ) {
        guard let layout = QuoteLayout(quote.pcrSelection, read) else { return nil }
        let banks = Set(layout.slots.map(\.bank))
        let lanes = Set(banks.flatMap { bank in ([.native] + modes).compactMap { IMALane(bank, $0) } })
        if let checkpoint {
            guard lanes.isSubset(of: checkpoint.replay.lanes) else { return nil }
            parser = IMAListParser(
                layout: checkpoint.layout, entryCount: checkpoint.entryCount, offset: checkpoint.offset)
        } else {
            parser = IMAListParser()
        }
        state = State(checkpoint?.replay ?? IMAReplay(lanes: lanes), layout, quote, read, allowed: lanes)
        state.compare()
    }

    /// Reads the list's next bytes.
    public mutating func append(_ chunk: Span<UInt8>) throws(IMAListError) {
        var state = state
        defer { self.state = state }
        try parser.append(chunk) { state.add($0) }
    }

    /// The list ends here.
    ///
    /// - Returns: The registers that the quote signed; nil where no prefix of the list makes them.
    public mutating func finish() throws(IMAListError) -> AttestedPCRs? {
        var state = state
        defer { self.state = state }
        try parser.finish { state.add($0) }
        return state.attested()
    }

    /// The bytes that a quote hashes, and where PCR 10 of each bank lies in them.
    private struct QuoteLayout: Sendable {
        var bytes: [UInt8] = []
        var slots: [(bank: PCRBank, start: Int)] = []

        init?(_ selection: TPMLPCRSelection, _ values: PCRValues) {
            for entry in selection.selections {
                for index in entry.pcrs.indices {
                    if index == IMAReplay.pcr {
                        slots.append((entry.bank, bytes.count))
                        bytes += [UInt8](repeating: 0, count: entry.bank.digestSize)
                    } else {
                        guard let value = values[entry.bank, index] else { return nil }
                        bytes += value.bytes
                    }
                }
            }
            guard !slots.isEmpty else { return nil }
        }
    }

    private struct State: Sendable {
        var replay: IMAReplay
        var layout: QuoteLayout
        let quote: VerifiedQuote
        let read: PCRValues
        /// Each way in which the banks may have been extended: a lane's place for each slot.
        let ways: [[Int]]
        /// Values of PCR 10, slot by slot.
        var found: [[UInt8]]?

        init(
            _ replay: IMAReplay, _ layout: QuoteLayout, _ quote: VerifiedQuote, _ read: PCRValues,
            allowed: Set<IMALane>
        ) {
            self.replay = replay
            self.layout = layout
            self.quote = quote
            self.read = read
            ways = layout.slots.reduce([[]]) { ways, slot in
                let places = replay.lanes.indices.filter {
                    replay.lanes[$0].bank == slot.bank && allowed.contains(replay.lanes[$0])
                }
                return ways.flatMap { way in places.map { way + [$0] } }
            }
        }

        mutating func add(_ entry: IMAMeasurement) {
            replay.add(entry)
            compare()
        }

        mutating func compare() {
            for way in ways {
                for (slot, place) in zip(layout.slots, way) {
                    let size = slot.bank.digestSize
                    let start = Int(IMAReplay.pcr.rawValue) * size
                    for index in 0..<size {
                        layout.bytes[slot.start + index] = replay.registers[place][start + index]
                    }
                }
                guard MessageDigest.hash(layout.bytes, quote.signatureHash) == quote.pcrDigest else { continue }
                found = layout.slots.map { Array(layout.bytes[$0.start..<$0.start + $0.bank.digestSize]) }
                return
            }
        }

        func attested() -> AttestedPCRs? {
            guard let found else { return nil }
            var values = read
            for (slot, bytes) in zip(layout.slots, found) {
                guard let digest = Digest(algorithm: slot.bank, bytes: bytes) else { return nil }
                values.set(digest, bank: slot.bank, index: IMAReplay.pcr)
            }
            do throws(QuoteRefusal) { return try quote.attest(values) } catch { return nil }
        }
    }
}
