internal import TPMCryptography
public import TPMStructures

/// What the registers hold after the entries so far, if the list is true, and what the entries show by themselves.
///
/// What is extended is always computed from an entry's data, never taken from the listed template digest: who edits the
/// data changes the registers, whatever the listed digest says.
public struct IMAReplay: Sendable {
    /// The register that IMA extends unless a policy rule names another (CONFIG_IMA_MEASURE_PCR_IDX).
    public static let pcr = PCRIndex.all[10]

    public let lanes: [IMALane]
    public internal(set) var entryCount = 0
    /// Registers that at least one entry extends.
    public internal(set) var extended = PCRSet()
    public internal(set) var tallies = [IMATally](repeating: IMATally(), count: IMAAnomaly.allCases.count)
    /// The first entry by the name `boot_aggregate`.
    public internal(set) var bootAggregate: IMABootAggregate?
    /// The first template that is none of a buffer, by name; empty before.
    public internal(set) var firstTemplate = ""
    /// At most ``IMAListLimits/findingsOfOneKind`` of each kind, of the entries that this value saw itself.
    public private(set) var occurrences: [IMAOccurrence] = []

    /// For each lane the 24 registers, one behind the other.
    var registers: [[UInt8]]
    /// For each algorithm room for a digest, and behind them one for a padded digest.
    private var scratch = [UInt8](repeating: 0, count: 64 * (HashAlgorithm.allCases.count + 1))
    private let paddedAt = 64 * HashAlgorithm.allCases.count
    /// An entry's extended bytes for violations.
    private let ones = [UInt8](repeating: 0xFF, count: 64)

    /// - Parameters:
    ///   - lanes: What to replay; each once is enough.
    ///   - start: What registers held before the list's first entry. Those that are not named held what a reset leaves:
    ///     zeros, ones in 17 to 22.
    public init(lanes: some Sequence<IMALane>, start: PCRValues = PCRValues()) {
        let lanes = Set(lanes).sorted()
        self.lanes = lanes
        registers = lanes.map { lane in
            PCRIndex.all.flatMap { index in
                start[lane.bank, index]?.bytes
                    ?? [UInt8](
                        repeating: (17...22).contains(index.rawValue) ? 0xFF : 0, count: lane.bank.digestSize)
            }
        }
    }

    public func tally(_ anomaly: IMAAnomaly) -> IMATally { tallies[Int(anomaly.rawValue)] }
    public var violationCount: Int { tally(.violation).count }
    /// The list holds the boot aggregate and nothing else: IMA measures nothing.
    public var holdsBootAggregateAlone: Bool { entryCount == 1 && bootAggregate?.index == 0 }

    /// What a register of a lane holds; nil for a lane that is not replayed.
    public func value(_ lane: IMALane, _ pcr: PCRIndex) -> Digest? {
        guard let place = lanes.firstIndex(of: lane) else { return nil }
        let size = lane.bank.digestSize
        let start = Int(pcr.rawValue) * size
        return Digest(algorithm: lane.bank, bytes: Array(registers[place][start..<start + size]))
    }

    /// Whether the register of the lane at `place` holds `digest`, without an allocation.
    func holds(_ digest: Digest, _ place: Int, _ pcr: PCRIndex) -> Bool {
        let size = digest.bytes.count
        let start = Int(pcr.rawValue) * size
        // The first bytes of an intermediate value nearly always differ.
        for index in 0..<size where registers[place][start + index] != digest.bytes[index] { return false }
        return true
    }

    // MARK: Entries

    /// Extends the entry's register in every lane.
    public mutating func add(_ entry: IMAMeasurement) {
        if entry.isViolation {
            note(.violation, entry)
            extendOnes(entry.pcr)
        } else {
            checkListedDigest(entry)
            extendDigests(entry)
        }
        extended.insert(entry.pcr)
        look(at: entry)
        entryCount += 1
    }

    private static func place(_ algorithm: HashAlgorithm) -> Int {
        switch algorithm {
        case .sha1: 0
        case .sha256: 64
        case .sha384: 128
        case .sha512: 192
        case .sm3: 256
        }
    }

    private mutating func checkListedDigest(_ entry: IMAMeasurement) {
        guard let algorithm = entry.templateDigestAlgorithm else { return }
        let place = Self.place(algorithm)
        entry.computeTemplateDigest(algorithm, into: &scratch, at: place)
        let listed = entry.templateDigest
        for index in listed.indices where listed[index] != scratch[place + index - listed.startIndex] {
            note(
                .templateDigest, entry, seen: Array(listed),
                expected: Array(scratch[place..<place + algorithm.digestSize]))
            return
        }
    }

    private mutating func extendDigests(_ entry: IMAMeasurement) {
        // The listed digest's algorithm was computed already.
        var computed = entry.templateDigestAlgorithm.map { 1 << (Self.place($0) >> 6) } ?? 0
        for place in lanes.indices {
            let lane = lanes[place]
            let algorithm = lane.mode == .native ? lane.bank : .sha1
            let source = Self.place(algorithm)
            if computed >> (source >> 6) & 1 == 0 {
                entry.computeTemplateDigest(algorithm, into: &scratch, at: source)
                computed |= 1 << (source >> 6)
            }
            let size = lane.bank.digestSize
            var start = source
            if lane.mode != .native {
                start = paddedAt
                for index in 0..<size { scratch[start + index] = index < 20 ? scratch[source + index] : 0 }
            }
            Self.extend(&registers[place], entry.pcr, with: scratch, at: start, lane.bank)
        }
    }

    private mutating func extendOnes(_ pcr: PCRIndex) {
        for place in lanes.indices {
            let lane = lanes[place]
            let size = lane.bank.digestSize
            if lane.mode == .paddedSHA1AndViolations {
                for index in 0..<size { scratch[paddedAt + index] = index < 20 ? 0xFF : 0 }
                Self.extend(&registers[place], pcr, with: scratch, at: paddedAt, lane.bank)
            } else {
                Self.extend(&registers[place], pcr, with: ones, at: 0, lane.bank)
            }
        }
    }

    private static func extend(
        _ registers: inout [UInt8], _ pcr: PCRIndex, with digests: [UInt8], at offset: Int, _ bank: PCRBank
    ) {
        let size = bank.digestSize
        MessageDigest.extend(
            &registers, at: Int(pcr.rawValue) * size, with: digests.span.extracting(offset..<offset + size), bank)
    }

    // MARK: What entries show

    private static let kexecNames = ["kexec-cmdline", "kexec_load", "kexec_execute"].map { Array($0.utf8) }

    private mutating func look(at entry: IMAMeasurement) {
        guard let template = entry.template else {
            note(.unknownTemplate, entry, seen: Array(entry.untrustedTemplateName))
            return
        }
        if template.isBuffer {
            if let name = entry.eventName, Self.kexecNames.contains(where: { name.elementsEqual($0) }) {
                note(.kexec, entry)
            }
        } else if firstTemplate.isEmpty {
            firstTemplate = template.name
        } else if firstTemplate != template.name {
            note(.templateChange, entry, seen: Array(template.name.utf8), expected: Array(firstTemplate.utf8))
        }
        guard let aggregate = IMABootAggregate(entry) else { return }
        if bootAggregate == nil {
            bootAggregate = aggregate
        } else {
            note(.laterBootAggregate, entry)
        }
    }

    private mutating func note(
        _ anomaly: IMAAnomaly, _ entry: IMAMeasurement, seen: [UInt8] = [], expected: [UInt8] = []
    ) {
        let place = Int(anomaly.rawValue)
        if tallies[place].count == 0 { tallies[place].firstEntry = entry.index }
        tallies[place].count += 1
        guard tallies[place].count <= IMAListLimits.findingsOfOneKind else { return }
        occurrences.append(
            IMAOccurrence(
                anomaly: anomaly, entry: entry.index, offset: entry.offset, pcr: entry.pcr,
                name: Array(entry.eventName ?? []), seen: seen, expected: expected))
    }
}

extension IMAReplay {
    /// Puts back what a checkpoint kept.
    mutating func set(_ digest: Digest, _ place: Int, _ pcr: PCRIndex) {
        let start = Int(pcr.rawValue) * digest.bytes.count
        registers[place].replaceSubrange(start..<start + digest.bytes.count, with: digest.bytes)
    }
}
