public import ByteParsing
public import TPMStructures

/// Where a replay stands after some entries of a list: all that is needed to go on with the bytes that follow, here or in
/// another process, and to answer as if the list had been read from its beginning.
///
/// It says nothing about which TPM, which boot or which quote it belongs to: who keeps it keeps that too.
public struct IMACheckpoint: Sendable, Equatable {
    /// nil while no entry was read.
    public let layout: IMAListLayout?
    /// Bytes of the list that lie behind.
    public let offset: Int
    public let replay: IMAReplay

    public var entryCount: Int { replay.entryCount }

    public init(layout: IMAListLayout?, offset: Int, replay: IMAReplay) {
        self.layout = layout
        self.offset = offset
        self.replay = replay
    }

    public static func == (left: Self, right: Self) -> Bool { left.bytes == right.bytes }

    // MARK: Canonical bytes

    /// `IMAC`, and a version.
    private static let magic: [UInt8] = Array("IMAC".utf8)
    private static let version: UInt8 = 1

    /// The only bytes that stand for this value, integers most significant byte first. Registers that no entry extended
    /// are left out.
    public var bytes: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 256)
        writer.write(Self.magic)
        writer.writeBigEndian(Self.version)
        writer.writeBigEndian(layout == nil ? UInt8(0) : 1)
        if let layout {
            writer.writeBigEndian(layout.form.rawValue)
            writer.writeBigEndian(layout.byteOrder.rawValue)
            writer.writeBigEndian(UInt8(clamping: layout.templateDigestSize))
        }
        writer.writeBigEndian(UInt64(offset))
        writer.writeBigEndian(UInt64(replay.entryCount))
        writer.writeBigEndian(replay.extended.bits)
        writer.writeBigEndian(UInt8(clamping: replay.lanes.count))
        for lane in replay.lanes {
            writer.writeBigEndian(lane.bank.algorithmID.rawValue)
            writer.writeBigEndian(lane.mode.rawValue)
            for pcr in replay.extended.indices { writer.write(replay.value(lane, pcr)?.bytes ?? []) }
        }
        for tally in replay.tallies {
            writer.writeBigEndian(UInt64(tally.count))
            writer.writeBigEndian(UInt64(tally.firstEntry))
        }
        writer.writeSized(Array(replay.firstTemplate.utf8))
        writer.writeBigEndian(replay.bootAggregate == nil ? UInt8(0) : 1)
        if let aggregate = replay.bootAggregate {
            writer.writeBigEndian(UInt64(aggregate.index))
            writer.writeSized(Array(aggregate.digest.algorithm.rawValue.utf8))
            writer.writeSized(Array(aggregate.digest.kind.rawValue.utf8))
            writer.writeSized(aggregate.digest.bytes)
        }
        return writer.bytes
    }

    /// Reads ``bytes``.
    ///
    /// - Parameter start: What registers held before the list's first entry, as it was given to the replay.
    /// - Throws: ParsingError for another version, an unknown algorithm, counts beyond the offset, bytes that are left.
    public init(parsing bytes: [UInt8], start: PCRValues = PCRValues()) throws(ParsingError) {
        var reader = ByteReader(bytes.span)
        try self.init(from: &reader, start: start)
        try reader.expectEnd("IMACheckpoint")
        // A second form of the same value (a lane twice, registers in another order) is no checkpoint.
        guard self.bytes == bytes else {
            throw ParsingError(field: "IMACheckpoint", offset: 0, problem: .malformed("not in canonical form"))
        }
    }

    private init(from reader: inout ByteReader, start: PCRValues) throws(ParsingError) {
        let magic = try reader.readBytes(4, "IMACheckpoint.magic")
        guard magic == Self.magic else {
            throw reader.error("IMACheckpoint.magic", back: 4, .malformed("no checkpoint"))
        }
        let version = try reader.readUInt8("IMACheckpoint.version")
        guard version == Self.version else {
            throw reader.error("IMACheckpoint.version", back: 1, .unknownValue(UInt64(version)))
        }
        layout = try Self.readLayout(&reader)
        offset = try Self.readCount(&reader, "IMACheckpoint.offset", IMAListLimits.listSize)
        let entries = try Self.readCount(&reader, "IMACheckpoint.entryCount", offset)
        let bits = try reader.readBigEndian(UInt32.self, "IMACheckpoint.extended")
        guard let extended = PCRSet(bits: bits) else {
            throw reader.error("IMACheckpoint.extended", back: 4, .unknownValue(UInt64(bits)))
        }
        replay = try Self.readReplay(&reader, entries, extended, start)
    }

    private static func readLayout(_ reader: inout ByteReader) throws(ParsingError) -> IMAListLayout? {
        guard try readFlag(&reader, "IMACheckpoint.layout") else { return nil }
        let form = try reader.readUInt8("IMACheckpoint.form")
        let order = try reader.readUInt8("IMACheckpoint.byteOrder")
        let size = try reader.readUInt8("IMACheckpoint.templateDigestSize")
        guard let order = IMAByteOrder(rawValue: order) else {
            throw reader.error("IMACheckpoint.byteOrder", back: 2, .unknownValue(UInt64(order)))
        }
        switch IMAListLayout.Form(rawValue: form) {
        case .ascii where size == 0: return .ascii(order)
        case .binary:
            guard let layout = IMAListLayout(binary: order, templateDigestSize: Int(size)) else {
                throw reader.error("IMACheckpoint.templateDigestSize", back: 1, .unknownValue(UInt64(size)))
            }
            return layout
        default: throw reader.error("IMACheckpoint.form", back: 3, .unknownValue(UInt64(form)))
        }
    }

    private static func readReplay(
        _ reader: inout ByteReader, _ entries: Int, _ extended: PCRSet, _ start: PCRValues
    ) throws(ParsingError) -> IMAReplay {
        var lanes: [IMALane] = []
        var values: [[Digest]] = []
        for _ in 0..<(try reader.readUInt8("IMACheckpoint.laneCount")) {
            let identifier = try reader.readBigEndian(UInt16.self, "IMACheckpoint.bank")
            let mode = try reader.readUInt8("IMACheckpoint.mode")
            guard let bank = HashAlgorithm(TPMAlgID(rawValue: identifier)), let mode = IMAExtension(rawValue: mode),
                let lane = IMALane(bank, mode)
            else { throw reader.error("IMACheckpoint.bank", back: 3, .unknownValue(UInt64(identifier))) }
            lanes.append(lane)
            var digests: [Digest] = []
            for _ in extended.indices {
                let bytes = try reader.readBytes(bank.digestSize, "IMACheckpoint.register")
                if let digest = Digest(algorithm: bank, bytes: bytes) { digests.append(digest) }
            }
            values.append(digests)
        }
        var replay = IMAReplay(lanes: lanes, start: start)
        guard replay.lanes == lanes else {
            throw reader.error("IMACheckpoint.lanes", .malformed("lanes are not in order, or one is there twice"))
        }
        for (place, digests) in values.enumerated() {
            for (pcr, digest) in zip(extended.indices, digests) { replay.set(digest, place, pcr) }
        }
        replay.extended = extended
        replay.entryCount = entries
        for place in replay.tallies.indices {
            replay.tallies[place].count = try readCount(&reader, "IMACheckpoint.tally", entries)
            replay.tallies[place].firstEntry = try readCount(&reader, "IMACheckpoint.firstEntry", entries)
        }
        let template = try readText(&reader, "IMACheckpoint.firstTemplate", IMAListLimits.templateNameSize)
        guard template.isEmpty || IMATemplate(name: template) != nil else {
            throw reader.error("IMACheckpoint.firstTemplate", .malformed("the template is unknown"))
        }
        replay.firstTemplate = template
        replay.bootAggregate = try readAggregate(&reader, entries)
        return replay
    }

    private static func readAggregate(
        _ reader: inout ByteReader, _ entries: Int
    ) throws(ParsingError) -> IMABootAggregate? {
        guard try readFlag(&reader, "IMACheckpoint.bootAggregate") else { return nil }
        let index = try readCount(&reader, "IMACheckpoint.bootAggregate.index", entries)
        let algorithm = try readText(&reader, "IMACheckpoint.bootAggregate.algorithm", 16)
        let kind = try readText(&reader, "IMACheckpoint.bootAggregate.kind", 16)
        let size = try reader.readBigEndian(UInt16.self, "IMACheckpoint.bootAggregate.digest")
        guard let algorithm = IMAHashAlgorithm(rawValue: algorithm), let kind = IMAFileDigest.Kind(rawValue: kind)
        else { throw reader.error("IMACheckpoint.bootAggregate", .malformed("the digest's algorithm is unknown")) }
        guard size <= 64 else {
            throw reader.error(
                "IMACheckpoint.bootAggregate.digest", back: 2, .outOfRange(value: UInt64(size), limit: 64))
        }
        let digest = try reader.readBytes(Int(size), "IMACheckpoint.bootAggregate.digest")
        return IMABootAggregate(index: index, digest: IMAFileDigest(algorithm: algorithm, kind: kind, bytes: digest))
    }

    private static func readFlag(_ reader: inout ByteReader, _ field: String) throws(ParsingError) -> Bool {
        let flag = try reader.readUInt8(field)
        guard flag <= 1 else { throw reader.error(field, back: 1, .unknownValue(UInt64(flag))) }
        return flag == 1
    }

    private static func readCount(
        _ reader: inout ByteReader, _ field: String, _ limit: Int
    ) throws(ParsingError) -> Int {
        let value = try reader.readBigEndian(UInt64.self, field)
        guard value <= UInt64(limit) else {
            throw reader.error(field, back: 8, .outOfRange(value: value, limit: UInt64(limit)))
        }
        return Int(value)
    }

    private static func readText(
        _ reader: inout ByteReader, _ field: String, _ limit: Int
    ) throws(ParsingError) -> String {
        let size = try reader.readBigEndian(UInt16.self, field)
        guard size <= limit else {
            throw reader.error(field, back: 2, .outOfRange(value: UInt64(size), limit: UInt64(limit)))
        }
        return String(decoding: try reader.readBytes(Int(size), field), as: UTF8.self)
    }
}
