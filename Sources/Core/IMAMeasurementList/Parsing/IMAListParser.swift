internal import ByteParsing
internal import TPMStructures

/// Reads a measurement list in pieces, as it comes from a network or a file. An entry may lie across pieces; no more than
/// one entry is kept.
///
/// A parser that threw stays refused: it throws the same error again.
public struct IMAListParser: Sendable {
    /// nil until enough of the list is there to tell.
    public private(set) var layout: IMAListLayout?
    /// Complete entries so far, counted from the list's beginning.
    public private(set) var entryCount: Int
    /// Where the last complete entry ends in the list, in bytes.
    public private(set) var offset: Int

    /// The beginning of an entry that is not complete yet (of the list, while `layout` is nil).
    private var pending: [UInt8] = []
    /// Bytes that `pending` must have before another look at it is worth while.
    private var needed = 0
    private var refusal: IMAListError?
    /// The name of the last entry's template and what it means: nearly all entries of a list agree.
    private var lastName: [UInt8] = []
    private var lastTemplate: IMATemplate?
    /// Whether an ASCII list's byte order was found.
    private var isOrderKnown = false

    /// For a list from its first byte.
    ///
    /// - Parameter layout: nil lets the bytes decide.
    public init(layout: IMAListLayout? = nil) { self.init(layout: layout, entryCount: 0, offset: 0) }

    /// For the rest of a list from the byte `offset`, in front of which `entryCount` entries lie.
    public init(layout: IMAListLayout?, entryCount: Int, offset: Int) {
        self.layout = layout
        self.entryCount = entryCount
        self.offset = offset
        isOrderKnown = entryCount > 0
    }

    /// Bytes that were taken in and belong to no complete entry yet.
    public var pendingCount: Int { pending.count }

    /// Reads the list's next bytes and hands out every entry that they complete.
    ///
    /// - Throws: IMAListError for the first entry that is none; those in front of it were handed out.
    public mutating func append(
        _ chunk: Span<UInt8>, _ each: (IMAMeasurement) -> Void
    ) throws(IMAListError) {
        if let refusal { throw refusal }
        guard chunk.count <= IMAListLimits.listSize - offset - pending.count else {
            throw refuse(
                ParsingError(
                    field: "measurement list", offset: offset,
                    problem: .outOfRange(
                        value: UInt64(offset + pending.count + chunk.count), limit: UInt64(IMAListLimits.listSize))))
        }
        var position = 0
        while position < chunk.count {
            guard layout == nil || !pending.isEmpty else {
                let rest = chunk.extracting(position..<chunk.count)
                let consumed = try consume(rest, each)
                take(rest.extracting(consumed..<rest.count))
                return
            }
            let count = takeCount(chunk, position)
            take(chunk.extracting(position..<position + count))
            position += count
            guard pending.count >= wanted, mayBeWhole else { continue }
            try drain(each)
        }
    }

    /// The list ends here.
    ///
    /// - Throws: IMAListError when it ends inside an entry.
    public mutating func finish(_ each: (IMAMeasurement) -> Void) throws(IMAListError) {
        if let refusal { throw refusal }
        guard !pending.isEmpty else { return }
        try drain(each)
        guard !pending.isEmpty else { return }
        if layout?.form == .ascii {
            // The last line's newline may be missing.
            pending.append(UInt8(ascii: "\n"))
            try drain(each)
            offset -= 1
            return
        }
        var missing = ParsingError(
            field: "ima_template_entry", offset: offset, problem: .truncated(needed: needed, remaining: pending.count))
        let bytes = pending
        if let layout, case .incomplete(_, let error)? = try? Self.frame(bytes.span, 0, layout, offset) {
            missing = error
        }
        throw refuse(missing)
    }

    private var wanted: Int { layout == nil ? IMAListLayout.detectionSize : needed }

    /// How many bytes of `chunk` the pending entry may need: up to the newline of a line, else up to the least that an
    /// entry of its beginning has.
    private func takeCount(_ chunk: Span<UInt8>, _ position: Int) -> Int {
        let rest = chunk.count - position
        guard layout?.form == .ascii else { return min(rest, max(1, wanted - pending.count)) }
        var count = 0
        while count < rest {
            count += 1
            if chunk[position + count - 1] == UInt8(ascii: "\n") { break }
        }
        return count
    }

    /// A line is looked at again only when it ends, or is too long to be one.
    private var mayBeWhole: Bool {
        layout?.form != .ascii || pending.last == UInt8(ascii: "\n") || pending.count > IMAListLimits.lineSize
    }

    private mutating func take(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe pending.append(contentsOf: $0) }
    }

    private mutating func drain(_ each: (IMAMeasurement) -> Void) throws(IMAListError) {
        let bytes = pending
        pending = []
        if layout == nil {
            do throws(ParsingError) {
                layout = try IMAListLayout.detect(bytes.span)
            } catch {
                throw refuse(error)
            }
        }
        let consumed = try consume(bytes.span, each)
        pending = consumed == 0 ? bytes : Array(bytes[consumed...])
    }

    /// Hands out the complete entries at the start of `bytes`.
    ///
    /// - Returns: How many bytes they have.
    private mutating func consume(
        _ bytes: Span<UInt8>, _ each: (IMAMeasurement) -> Void
    ) throws(IMAListError) -> Int {
        guard let layout else { return 0 }
        var position = 0
        do throws(ParsingError) {
            while position < bytes.count {
                let size: Int
                switch layout.form {
                case .binary:
                    guard case .complete(let frame) = try Self.frame(bytes, position, layout, offset) else {
                        needed = try Self.neededBytes(bytes, position, layout, offset)
                        return position
                    }
                    each(try measurement(bytes, frame, layout))
                    size = frame.end - frame.start
                case .ascii:
                    guard let end = try Self.lineEnd(bytes, position, offset) else {
                        needed = 0
                        return position
                    }
                    each(try line(bytes.extracting(position..<end)))
                    size = end + 1 - position
                }
                position += size
                offset += size
                entryCount += 1
            }
        } catch {
            throw refuse(error)
        }
        needed = 0
        return position
    }

    private mutating func refuse(_ error: ParsingError) -> IMAListError {
        let refusal = IMAListError(entry: entryCount, error)
        self.refusal = refusal
        pending = []
        return refusal
    }

    // MARK: Binary

    /// Where the parts of an entry lie in the bytes at hand.
    struct Frame {
        var start: Int
        var name: Range<Int>
        var data: Range<Int>
        var end: Int { data.upperBound }
    }
    enum Framing {
        case complete(Frame)
        /// More bytes are needed: at least so many in all, and what an end here would break.
        case incomplete(needed: Int, ParsingError)
    }

    private static func neededBytes(
        _ bytes: Span<UInt8>, _ start: Int, _ layout: IMAListLayout, _ base: Int
    ) throws(ParsingError) -> Int {
        guard case .incomplete(let needed, _) = try frame(bytes, start, layout, base) else { return 0 }
        return needed
    }

    /// Reads the lengths of the entry at `start`, whose place in the list is `base`.
    static func frame(
        _ bytes: Span<UInt8>, _ start: Int, _ layout: IMAListLayout, _ base: Int
    ) throws(ParsingError) -> Framing {
        let order = layout.byteOrder
        let remaining = bytes.count - start
        func short(_ field: String, _ position: Int, _ size: Int) -> Framing {
            .incomplete(
                needed: position + size,
                ParsingError(
                    field: "ima_template_entry.\(field)", offset: base + position,
                    problem: .truncated(needed: size, remaining: max(0, remaining - position))))
        }
        guard remaining >= 4 else { return short("pcr", 0, 4) }
        let pcr = order.uint32(bytes, at: start)
        guard pcr < UInt32(PCRIndex.count) else {
            throw ParsingError(
                field: "ima_template_entry.pcr", offset: base,
                problem: .outOfRange(value: UInt64(pcr), limit: UInt64(PCRIndex.count - 1)))
        }
        var position = 4 + layout.templateDigestSize
        guard remaining >= position else { return short("digest", 4, layout.templateDigestSize) }
        guard remaining >= position + 4 else { return short("template_name_len", position, 4) }
        let nameSize = order.uint32(bytes, at: start + position)
        guard nameSize > 0, nameSize <= UInt32(IMAListLimits.templateNameSize) else {
            throw ParsingError(
                field: "ima_template_entry.template_name_len", offset: base + position,
                problem: .outOfRange(value: UInt64(nameSize), limit: UInt64(IMAListLimits.templateNameSize)))
        }
        position += 4
        guard remaining >= position + Int(nameSize) else { return short("template_name", position, Int(nameSize)) }
        let name = start + position..<start + position + Int(nameSize)
        position += Int(nameSize)
        let isOriginal =
            name.count == 3 && bytes[name.lowerBound] == UInt8(ascii: "i")
            && bytes[name.lowerBound + 1] == UInt8(ascii: "m") && bytes[name.lowerBound + 2] == UInt8(ascii: "a")
        let dataSize: UInt32
        if isOriginal {
            guard remaining >= position + 24 else { return short("template_data", position, 24) }
            let stated = order.uint32(bytes, at: start + position + 20)
            guard stated <= UInt32(IMAListLimits.shortEventNameSize) else {
                throw ParsingError(
                    field: "template field n.length", offset: base + position + 20,
                    problem: .outOfRange(value: UInt64(stated), limit: UInt64(IMAListLimits.shortEventNameSize)))
            }
            dataSize = 24 + stated
        } else {
            guard remaining >= position + 4 else { return short("template_data_len", position, 4) }
            dataSize = order.uint32(bytes, at: start + position)
            guard dataSize <= UInt32(IMAListLimits.templateDataSize) else {
                throw ParsingError(
                    field: "ima_template_entry.template_data_len", offset: base + position,
                    problem: .outOfRange(value: UInt64(dataSize), limit: UInt64(IMAListLimits.templateDataSize)))
            }
            position += 4
        }
        guard remaining >= position + Int(dataSize) else { return short("template_data", position, Int(dataSize)) }
        let data = start + position..<start + position + Int(dataSize)
        return .complete(Frame(start: start, name: name, data: data))
    }

    private mutating func measurement(
        _ bytes: Span<UInt8>, _ frame: Frame, _ layout: IMAListLayout
    ) throws(ParsingError) -> IMAMeasurement {
        guard let pcr = PCRIndex(layout.byteOrder.uint32(bytes, at: frame.start)) else {
            throw ParsingError(
                field: "ima_template_entry.pcr", offset: offset, problem: .malformed("no register has this number"))
        }
        let digestSize = layout.templateDigestSize
        let nameStart = digestSize
        let dataStart = digestSize + frame.name.count
        let storage = unsafe [UInt8](unsafeUninitializedCapacity: dataStart + frame.data.count) { output, count in
            unsafe bytes.withUnsafeBufferPointer { input in
                let digest = unsafe input[frame.start + 4..<frame.start + 4 + digestSize]
                _ = unsafe output.update(fromContentsOf: digest)
                let name = unsafe UnsafeMutableBufferPointer(rebasing: output[nameStart..<dataStart])
                _ = unsafe name.update(fromContentsOf: input[frame.name])
                let data = unsafe UnsafeMutableBufferPointer(rebasing: output[dataStart...])
                _ = unsafe data.update(fromContentsOf: input[frame.data])
            }
            count = dataStart + frame.data.count
        }
        let template = try template(storage, nameStart..<dataStart, at: offset + frame.name.lowerBound - frame.start)
        let reader = IMAFieldReader(
            base: offset + frame.data.lowerBound - frame.start, byteOrder: layout.byteOrder)
        var fields = IMAFieldLayout()
        if let template { fields = try reader.read(template, storage.span, from: dataStart) }
        return IMAMeasurement(
            index: entryCount, offset: offset, size: frame.end - frame.start, pcr: pcr, template: template,
            isViolation: storage[..<digestSize].allSatisfy { $0 == 0 }, byteOrder: layout.byteOrder, storage: storage,
            nameStart: nameStart, dataStart: dataStart, fields: fields)
    }

    private mutating func template(
        _ storage: [UInt8], _ range: Range<Int>, at offset: Int
    ) throws(ParsingError) -> IMATemplate? {
        if lastName.count == range.count, lastName.elementsEqual(storage[range]) { return lastTemplate }
        guard storage[range].allSatisfy(IMAListLayout.isNameCharacter) else {
            throw ParsingError(
                field: "ima_template_entry.template_name", offset: offset,
                problem: .malformed("characters that no template's name has"))
        }
        lastName = Array(storage[range])
        lastTemplate = IMATemplate(name: String(decoding: lastName, as: UTF8.self))
        return lastTemplate
    }

    // MARK: ASCII

    /// The newline that ends the line at `start`.
    private static func lineEnd(_ bytes: Span<UInt8>, _ start: Int, _ base: Int) throws(ParsingError) -> Int? {
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
        guard end - start <= IMAListLimits.lineSize else {
            throw ParsingError(
                field: "line", offset: base,
                problem: .outOfRange(value: UInt64(end - start), limit: UInt64(IMAListLimits.lineSize)))
        }
        return end < bytes.count ? end : nil
    }

    private mutating func line(_ bytes: Span<UInt8>) throws(ParsingError) -> IMAMeasurement {
        var reader = IMALineReader(bytes: unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }, base: offset)
        let words = try reader.read()
        var orders = [layout?.byteOrder ?? .littleEndian]
        if !isOrderKnown { orders = IMAByteOrder.allCases }
        var first: IMAMeasurement?
        for order in orders {
            let entry = try words.measurement(order, index: entryCount, size: bytes.count + 1)
            if first == nil { first = entry }
            guard !isOrderKnown, !entry.isViolation, entry.template?.isOriginal == false,
                entry.hasListedTemplateDigest
            else { continue }
            isOrderKnown = true
            layout = .ascii(order)
            return entry
        }
        guard let first else {
            throw ParsingError(field: "line", offset: offset, problem: .malformed("no entry"))
        }
        return first
    }
}
