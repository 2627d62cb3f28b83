internal import ByteParsing
public import TPMStructures

/// A boot event log as firmware wrote it: read, bounded, and not yet trusted in anything.
///
/// Reads the crypto-agile format (header `Spec ID Event03`) and the SHA-1 format (TCG PC Client Platform Firmware
/// Profile 1.06, section 10; EFI Protocol Specification 1.2). Integers are little-endian. Guarantees after parsing: every
/// record lies inside the bytes, its PCR index is below 24 (or 0xFFFFFFFF on EV_NO_ACTION), its digests are of algorithms
/// that the header names, none twice. Guarantees nothing about truth: only ``replay(against:covering:)`` ties a log to
/// a quote, and then only digests, PCR indices and their order.
///
/// CC event logs (CCEL) have the same layout; their indices are measurement registers: ``registers``.
public struct TCGEventLog: Sendable {
    public enum Format: String, Hashable, Sendable, Codable {
        case cryptoAgile = "crypto-agile"
        case sha1
    }

    /// Far above real logs (the largest of the corpus has 68 KiB without padding); equals the agent's cap.
    public static let maximumSize = 16 * 1024 * 1024
    /// Real logs have at most a few hundred; bounds the memory that a log of tiny records costs.
    public static let maximumEvents = 65_536
    /// A crypto-agile record without any digest or data.
    static let minimumRecordSize = 16
    /// PCR, type, SHA-1 digest, size.
    static let sha1RecordSize = 32

    public let bytes: [UInt8]
    public let format: Format
    /// nil for a SHA-1 log.
    public let specID: SpecIDEvent?
    /// What the indices of the events name: ``TCGPCREvent2/pcr`` of a CC event log is a measurement register.
    public let registers: LoggedRegisters
    /// The algorithms of the header; SHA-1 alone for a SHA-1 log.
    public let algorithms: [LoggedAlgorithm]
    /// In log order, the header included.
    public let events: [TCGPCREvent2]
    /// Bytes after the last record: all 0x00 or all 0xFF, at least one empty record long. Logs that were copied from a
    /// firmware table of fixed size (CCEL) have them; other bytes there, or fewer, are a truncated record.
    public let padding: Range<Int>

    /// The banks of the header that this product can compute, in its order.
    public var banks: [PCRBank] { algorithms.compactMap(\.bank) }

    /// - Parameter registers: What the indices name; nil, for inspection only, takes the log's own word. Whoever judges a log
    ///   says what it must be: the rules of a TPM's log are the stricter ones.
    /// - Throws: ``TCGEventLogError`` with the offset; nothing of a log that throws may be judged.
    public init(parsing bytes: [UInt8], registers: LoggedRegisters? = nil) throws(TCGEventLogError) {
        guard bytes.count <= Self.maximumSize else {
            throw TCGEventLogError(
                .format, "log", at: 0,
                .outOfRange(value: UInt64(bytes.count), limit: UInt64(Self.maximumSize)))
        }
        let specID = try EventRecordParser.readHeader(bytes)
        var parser = EventRecordParser(bytes: bytes, specID: specID)
        var events: [TCGPCREvent2] = []
        events.reserveCapacity(min(bytes.count / 128, 1024))
        while !parser.isAtEnd {
            guard events.count < Self.maximumEvents else {
                throw TCGEventLogError(
                    .format, "log.events", at: parser.position,
                    .outOfRange(value: UInt64(events.count) + 1, limit: UInt64(Self.maximumEvents)))
            }
            events.append(try parser.readRecord(index: events.count))
        }
        self.bytes = bytes
        self.specID = specID
        format = specID == nil ? .sha1 : .cryptoAgile
        algorithms = parser.algorithms
        self.events = events
        self.registers = registers ?? .stated(by: events, parser.algorithms)
        padding = parser.position..<bytes.count
    }
}
