internal import ByteParsing
internal import TPMStructures

/// Reads one line of `ascii_runtime_measurements`: register, template digest, template, fields, with single spaces between.
struct IMALineReader {
    let bytes: [UInt8]
    /// Offset of the line in the list.
    let base: Int
    private var position = 0

    init(bytes: [UInt8], base: Int) {
        self.bytes = bytes
        self.base = base
    }

    /// A line in its parts; ``IMALine/measurement(_:index:size:)`` makes the kernel's binary form of it.
    ///
    /// - Throws: ParsingError for a register, digest or template that is none. An unknown template is refused: nothing tells
    ///   where its fields end, so nothing could be hashed.
    mutating func read() throws(ParsingError) -> IMALine {
        // The kernel fills the number up to two characters.
        if bytes.first == UInt8(ascii: " ") { position = 1 }
        let number = word()
        guard (1...2).contains(number.count), number.allSatisfy(IMAListLayout.isDigit),
            let value = Int(String(decoding: number, as: UTF8.self)), let pcr = PCRIndex(value)
        else { throw error("pcr", number, .malformed("no number of a register")) }
        let digestWord = word()
        guard let digest = Hex.decode(String(decoding: digestWord, as: UTF8.self)),
            IMAListLayout.digestSizes.contains(digest.count)
        else { throw error("digest", digestWord, .malformed("no template digest of 20, 32, 48 or 64 bytes")) }
        let name = word()
        guard !name.isEmpty, name.count <= IMAListLimits.templateNameSize else {
            throw error(
                "template_name", name,
                .outOfRange(value: UInt64(name.count), limit: UInt64(IMAListLimits.templateNameSize)))
        }
        guard let template = IMATemplate(name: String(decoding: name, as: UTF8.self)) else {
            throw error("template_name", name, .malformed("the template is unknown"))
        }
        return IMALine(
            pcr: pcr, digest: digest, name: Array(name), template: template,
            fields: try fields(template), base: base)
    }

    /// The words of the fields. Only a name can hold spaces (kernels before 3.16), so that words count from both ends.
    private func fields(_ template: IMATemplate) throws(ParsingError) -> [ArraySlice<UInt8>] {
        let rest = bytes[min(position, bytes.count)...]
        var words = rest.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        let count = template.fields.count
        guard words.count >= count else {
            throw error(
                "template_data", rest, .truncated(needed: count, remaining: words.count))
        }
        if words.count > count {
            guard let place = template.fields.firstIndex(where: { $0 == .n || $0 == .nNG }) else {
                throw error("template_data", rest, .trailingBytes(count: words.count - count))
            }
            let last = place + words.count - count
            let name = bytes[words[place].startIndex..<words[last].endIndex]
            words.replaceSubrange(place...last, with: [name])
        }
        return words
    }

    private mutating func word() -> ArraySlice<UInt8> {
        let start = min(position, bytes.count)
        let end = bytes[start...].firstIndex(of: UInt8(ascii: " ")) ?? bytes.count
        position = end + 1
        return bytes[start..<end]
    }

    private func error(
        _ field: String, _ place: ArraySlice<UInt8>, _ problem: ParsingError.Problem
    ) -> ParsingError {
        ParsingError(field: "ima_template_entry.\(field)", offset: base + place.startIndex, problem: problem)
    }
}

/// The parts of a line.
struct IMALine {
    let pcr: PCRIndex
    let digest: [UInt8]
    let name: [UInt8]
    let template: IMATemplate
    let fields: [ArraySlice<UInt8>]
    let base: Int

    /// The entry, with the template data that the kernel hashed if its integers have this order.
    func measurement(
        _ order: IMAByteOrder, index: Int, size: Int
    ) throws(ParsingError) -> IMAMeasurement {
        var storage = digest + name
        let dataStart = storage.count
        for (field, word) in zip(template.fields, fields) {
            let data = try bytes(of: field, word, order)
            if !(template.isOriginal && field == .d) { order.append(UInt32(clamping: data.count), to: &storage) }
            storage += data
        }
        guard storage.count - dataStart <= IMAListLimits.templateDataSize else {
            throw ParsingError(
                field: "ima_template_entry.template_data", offset: base,
                problem: .outOfRange(
                    value: UInt64(storage.count - dataStart), limit: UInt64(IMAListLimits.templateDataSize)))
        }
        let layout: IMAFieldLayout
        do throws(ParsingError) {
            layout = try IMAFieldReader(base: 0, byteOrder: order).read(template, storage.span, from: dataStart)
        } catch {
            throw ParsingError(field: error.field, offset: base, problem: error.problem)
        }
        return IMAMeasurement(
            index: index, offset: base, size: size, pcr: pcr, template: template,
            isViolation: digest.allSatisfy { $0 == 0 }, byteOrder: order, storage: storage, nameStart: digest.count,
            dataStart: dataStart, fields: layout)
    }

    private func bytes(
        of field: IMAField, _ word: ArraySlice<UInt8>, _ order: IMAByteOrder
    ) throws(ParsingError) -> [UInt8] {
        if word.isEmpty, field.mayBeEmpty { return [] }
        switch field.form {
        case .shortName, .name: return template.isOriginal ? Array(word) : word + [0]
        case .rawDigest, .bytes, .lengths: return try hex(field, word)
        case .digest, .digestWithType:
            guard let colon = word.lastIndex(of: UInt8(ascii: ":")) else {
                throw error(field, word, .malformed("no colon in front of the digest"))
            }
            let algorithm = word[...colon]
            return try algorithm + [0] + hex(field, word[(colon + 1)...])
        case .integer(let size):
            let limit = size == 4 ? UInt32.max : UInt32(UInt16.max)
            guard word.count <= 10, word.allSatisfy(IMAListLayout.isDigit),
                let value = UInt32(String(decoding: word, as: UTF8.self)), value <= limit
            else { throw error(field, word, .malformed("no number of \(size) bytes")) }
            var bytes: [UInt8] = []
            order.append(value, size: size, to: &bytes)
            return bytes
        }
    }

    private func hex(_ field: IMAField, _ word: ArraySlice<UInt8>) throws(ParsingError) -> [UInt8] {
        guard let bytes = Hex.decode(String(decoding: word, as: UTF8.self)) else {
            throw error(field, word, .malformed("no hexadecimal digits"))
        }
        return bytes
    }

    private func error(
        _ field: IMAField, _ word: ArraySlice<UInt8>, _ problem: ParsingError.Problem
    ) -> ParsingError {
        ParsingError(field: "template field \(field.rawValue)", offset: base + word.startIndex, problem: problem)
    }
}
