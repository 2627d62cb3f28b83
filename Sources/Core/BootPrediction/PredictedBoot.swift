internal import ByteParsing
public import TCGEventLog
internal import TPMCryptography
internal import TPMStructures

/// The next boot's event log as it will be when nothing but the update changes: the last boot's records with those replaced
/// that the update touches. Digests are exact; an image's size and address in its record's data stay the last boot's words.
public struct PredictedBoot: Sendable {
    public enum Origin: Hashable, Sendable {
        /// As in the last boot, at this index of its log.
        case kept(Int)
        /// In the place of the last boot's event.
        case changed(Int)
        case added
    }

    public let base: TCGEventLog
    public let log: TCGEventLog
    /// For each event of ``log``.
    public let origins: [Origin]
    /// Events of the last boot that will not come again, as indices of its log, ascending.
    public let removed: [Int]
    public let decisions: [PredictionDecision]
    /// What the operator should know before relying on it.
    public let notes: [String]

    /// Whether any digest differs from the last boot's.
    public var isChanged: Bool {
        !removed.isEmpty || origins.contains { if case .kept = $0 { false } else { true } }
    }
}

/// The log under construction.
struct PredictedRecords {
    struct Record {
        var origin: PredictedBoot.Origin
        /// nil: as in the last boot.
        var replacement: Replacement?
    }
    struct Replacement {
        var register: UInt32
        var type: TCGEventType
        var digests: [PCRBank: Digest]
        var data: [UInt8]
    }

    let base: TCGEventLog
    var records: [Record]
    var removed: Set<Int> = []
    var notes: [String] = []

    /// - Throws: A log with banks that cannot be computed here.
    init(_ base: TCGEventLog) throws(PredictionError) {
        guard base.registers == .pcrs else {
            throw PredictionError(.baseMismatch, "the log is of measurement registers, not of a TPM")
        }
        if let unknown = base.algorithms.first(where: { $0.bank == nil }) {
            throw PredictionError(
                .baseMismatch, "the log has digests of \(unknown.algorithm), which cannot be computed here")
        }
        self.base = base
        records = base.events.map { Record(origin: .kept($0.index)) }
    }

    /// Gives the last boot's event another digest; with the same digests it stays as it is.
    mutating func change(_ index: Int, _ digests: [PCRBank: Digest], data: [UInt8]? = nil) {
        let event = base.events[index]
        let same = Dictionary(event.digests.map { ($0.algorithm, $0) }) { first, _ in first }
        guard same != digests, let place = records.firstIndex(where: { $0.origin == .kept(index) }) else { return }
        records[place] = Record(
            origin: .changed(index),
            replacement: Replacement(
                register: event.registerIndex, type: event.untrustedEventType, digests: digests,
                data: data ?? event.data))
    }

    mutating func remove(_ index: Int) {
        records.removeAll { $0.origin == .kept(index) }
        removed.insert(index)
    }

    /// Puts a new event before the last boot's event, or at the end.
    mutating func insert(_ replacement: Replacement, before index: Int?) {
        let place = index.flatMap { index in
            records.firstIndex { $0.origin == .kept(index) || $0.origin == .changed(index) }
        }
        records.insert(Record(origin: .added, replacement: replacement), at: place ?? records.count)
    }

    func hash(_ content: [UInt8]) -> [PCRBank: Digest] {
        Dictionary(base.banks.map { ($0, MessageDigest.hash(content, $0)) }) { first, _ in first }
    }

    func finish(_ decisions: [PredictionDecision]) throws(PredictionError) -> PredictedBoot {
        var bytes: [UInt8] = []
        for record in records {
            guard let replacement = record.replacement else {
                if case .kept(let index) = record.origin { bytes += base.bytes[base.events[index].range] }
                continue
            }
            bytes += encode(replacement)
        }
        do throws(TCGEventLogError) {
            return PredictedBoot(
                base: base, log: try TCGEventLog(parsing: bytes, registers: .pcrs), origins: records.map(\.origin),
                removed: removed.sorted(), decisions: decisions, notes: notes)
        } catch {
            throw PredictionError(.malformed, "the predicted log: \(error)")
        }
    }

    /// TCG_PCR_EVENT2, or the SHA-1 log's record (PFP 1.06, section 10.2).
    private func encode(_ record: Replacement) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeLittleEndian(record.register)
        writer.writeLittleEndian(record.type.rawValue)
        if base.format == .sha1 {
            writer.write(record.digests[.sha1]?.bytes ?? [])
        } else {
            writer.writeLittleEndian(UInt32(base.banks.count))
            for bank in base.banks {
                writer.writeLittleEndian(bank.algorithmID.rawValue)
                writer.write(record.digests[bank]?.bytes ?? [])
            }
        }
        writer.writeLittleEndian(UInt32(record.data.count))
        writer.write(record.data)
        return writer.bytes
    }
}
