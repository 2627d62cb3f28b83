internal import ByteParsing
internal import TPMStructures

/// Reads records one after the other. Works on plain offsets: the hot path of parsing is a few integer reads a record.
struct EventRecordParser {
    private let bytes: [UInt8]
    private let cryptoAgile: Bool
    let algorithms: [LoggedAlgorithm]
    private(set) var position = 0
    /// Where the run of equal 0x00 or 0xFF bytes at the end begins.
    private let trailingRun: Int

    init(bytes: [UInt8], specID: SpecIDEvent?) {
        self.bytes = bytes
        cryptoAgile = specID != nil
        algorithms = specID?.algorithms ?? [LoggedAlgorithm(algorithm: .sha1, digestSize: 20)]
        trailingRun = Self.startOfTrailingRun(bytes)
    }

    private static func startOfTrailingRun(_ bytes: [UInt8]) -> Int {
        guard let last = bytes.last, last == 0 || last == 0xFF else { return bytes.count }
        var start = bytes.count
        while start > 0, bytes[start - 1] == last { start -= 1 }
        return start
    }

    /// At the end of the bytes, or where nothing but padding follows.
    var isAtEnd: Bool {
        if position == bytes.count { return position > 0 }
        return position > 0 && position >= trailingRun && remaining >= minimumRecord
    }
    private var remaining: Int { bytes.count - position }
    private var minimumRecord: Int { cryptoAgile ? TCGEventLog.minimumRecordSize : TCGEventLog.sha1RecordSize }

    // MARK: The header

    /// - Returns: nil for a SHA-1 log: its first record carries no `Spec ID Event03`.
    static func readHeader(_ bytes: [UInt8]) throws(TCGEventLogError) -> SpecIDEvent? {
        var parser = EventRecordParser(bytes: bytes, specID: nil)
        if parser.remaining >= 14 { try parser.refuseCryptoAgileRecord() }
        let first = try parser.readSHA1Record(index: 0)
        guard bytes[first.dataRange].starts(with: SpecIDEvent.signature) else {
            if !parser.isAtEnd { try parser.refuseCryptoAgileRecord() }
            return nil
        }
        guard first.untrustedEventType == .noAction else {
            throw TCGEventLogError(
                .header, "TCG_PCClientPCREvent.eventType", at: 4,
                .unknownValue(UInt64(first.untrustedEventType.rawValue)))
        }
        guard bytes[8..<28].allSatisfy({ $0 == 0 }) else {
            throw TCGEventLogError(
                .header, "TCG_PCClientPCREvent.digest", at: 8, .malformed("the header's digest is not zero"))
        }
        return try SpecIDEvent(
            parsing: bytes.span.extracting(first.dataRange), baseOffset: first.dataRange.lowerBound)
    }

    /// A record whose digest field begins with a digest count and a known algorithm belongs to a crypto-agile log that
    /// lost its header or carries an old one; read as a SHA-1 log it would only be reported as garbage further on.
    private func refuseCryptoAgileRecord() throws(TCGEventLogError) {
        guard remaining >= 14 else { return }
        let count = uint32(position + 8)
        let algorithm = TPMAlgID(rawValue: UInt16(bytes[position + 12]) | UInt16(bytes[position + 13]) << 8)
        guard count >= 1, count <= SpecIDEvent.maximumAlgorithms, HashAlgorithm(algorithm) != nil else { return }
        throw TCGEventLogError(
            .header, "TCG_EfiSpecIdEvent", at: 0,
            .malformed("a crypto-agile record at offset \(position) without a \"Spec ID Event03\" header"))
    }

    // MARK: Records

    mutating func readRecord(index: Int) throws(TCGEventLogError) -> TCGPCREvent2 {
        guard cryptoAgile, index > 0 else { return try readSHA1Record(index: index) }
        let event = try readCryptoAgileRecord(index: index)
        if event.untrustedEventType == .noAction, bytes[event.dataRange].starts(with: SpecIDEvent.signature) {
            throw TCGEventLogError(
                .header, "TCG_EfiSpecIdEvent.signature", at: event.dataRange.lowerBound,
                .malformed("a second Spec ID header, in event \(index)"))
        }
        return event
    }

    private mutating func readCryptoAgileRecord(index: Int) throws(TCGEventLogError) -> TCGPCREvent2 {
        let start = position
        let (register, type) = try readRegisterAndType("TCG_PCR_EVENT2")
        let count = try readUInt32("TCG_PCR_EVENT2.digests.count")
        guard count >= 1, count <= algorithms.count else {
            throw TCGEventLogError(
                .digestList, "TCG_PCR_EVENT2.digests.count", at: position - 4,
                .outOfRange(value: UInt64(count), limit: UInt64(algorithms.count)))
        }
        let digestsOffset = position
        var seen: UInt8 = 0
        for _ in 0..<count { try skipDigest(&seen) }
        let data = try readData("TCG_PCR_EVENT2")
        return TCGPCREvent2(
            index: index, range: start..<position, registerIndex: register, untrustedEventType: type,
            dataRange: data, log: bytes, algorithms: algorithms, digestCount: Int(count),
            digestsOffset: digestsOffset, taggedDigests: true)
    }

    private mutating func readSHA1Record(index: Int) throws(TCGEventLogError) -> TCGPCREvent2 {
        let start = position
        let (register, type) = try readRegisterAndType("TCG_PCClientPCREvent")
        let digestsOffset = position
        try skip(20, "TCG_PCClientPCREvent.digest")
        let data = try readData("TCG_PCClientPCREvent")
        return TCGPCREvent2(
            index: index, range: start..<position, registerIndex: register, untrustedEventType: type,
            dataRange: data, log: bytes, algorithms: algorithms, digestCount: 1, digestsOffset: digestsOffset,
            taggedDigests: false)
    }

    private mutating func readRegisterAndType(
        _ structure: StaticString
    ) throws(TCGEventLogError) -> (UInt32, TCGEventType) {
        let register = try readUInt32("\(structure).pcrIndex")
        let type = TCGEventType(rawValue: try readUInt32("\(structure).eventType"))
        // Windows ends its logs with an EV_NO_ACTION for 0xFFFFFFFF; nothing else may leave the table.
        guard register < PCRIndex.count || (register == UInt32.max && type == .noAction) else {
            throw TCGEventLogError(
                .pcrIndex, "\(structure).pcrIndex", at: position - 8,
                .outOfRange(value: UInt64(register), limit: UInt64(PCRIndex.count - 1)))
        }
        return (register, type)
    }

    /// - Parameter seen: Bit n is set when the header's algorithm n had its digest in this record.
    private mutating func skipDigest(_ seen: inout UInt8) throws(TCGEventLogError) {
        let offset = position
        try skip(2, "TCG_PCR_EVENT2.digests.algorithmId")
        let id = TPMAlgID(rawValue: UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8)
        guard let place = algorithms.firstIndex(where: { $0.algorithm == id }) else {
            throw TCGEventLogError(
                .digestList, "TCG_PCR_EVENT2.digests.algorithmId", at: offset, .unknownValue(UInt64(id.rawValue)))
        }
        guard seen & 1 << UInt8(place) == 0 else {
            throw TCGEventLogError(
                .digestList, "TCG_PCR_EVENT2.digests.algorithmId", at: offset,
                .malformed("\(id) has a second digest in this event"))
        }
        seen |= 1 << UInt8(place)
        try skip(algorithms[place].digestSize, "TCG_PCR_EVENT2.digests.digest")
    }

    private mutating func readData(_ structure: StaticString) throws(TCGEventLogError) -> Range<Int> {
        let size = try readUInt32("\(structure).eventSize")
        guard size <= remaining else {
            throw TCGEventLogError(
                .truncated, "\(structure).event", at: position,
                .truncated(needed: Int(size), remaining: remaining))
        }
        let range = position..<position + Int(size)
        position = range.upperBound
        return range
    }

    // MARK: Bytes

    private func uint32(_ offset: Int) -> UInt32 {
        UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
            | UInt32(bytes[offset + 3]) << 24
    }

    private mutating func readUInt32(_ field: @autoclosure () -> String) throws(TCGEventLogError) -> UInt32 {
        let offset = position
        try skip(4, field())
        return uint32(offset)
    }

    private mutating func skip(_ count: Int, _ field: @autoclosure () -> String) throws(TCGEventLogError) {
        guard count <= remaining else {
            throw TCGEventLogError(
                .truncated, field(), at: position, .truncated(needed: count, remaining: remaining))
        }
        position += count
    }
}
