internal import ByteParsing

/// Reads the fields of an entry's template data: each a 32-bit length and as many bytes. Every byte must belong to a field.
struct IMAFieldReader {
    /// Offset of the first byte of the template data in the list.
    let base: Int
    let byteOrder: IMAByteOrder

    /// Checks every field of `template` in `bytes[start...]`.
    ///
    /// - Returns: Where the file's digest and the name lie in `bytes`.
    /// - Throws: ParsingError, with the offset in the list, for a length beyond the data or a limit, a digest without its
    ///   algorithm, colon or NUL or of another size, a name without its one NUL, and bytes that no field holds.
    func read(
        _ template: IMATemplate, _ bytes: Span<UInt8>, from start: Int
    ) throws(ParsingError) -> IMAFieldLayout {
        var layout = IMAFieldLayout()
        var position = start
        for field in template.fields {
            var size = 20
            if !(template.isOriginal && field == .d) {
                guard bytes.count - position >= 4 else {
                    throw error(
                        field, position - start, .truncated(needed: 4, remaining: bytes.count - position), "length")
                }
                let stated = byteOrder.uint32(bytes, at: position)
                position += 4
                guard Int(stated) <= bytes.count - position else {
                    throw error(
                        field, position - 4 - start,
                        .outOfRange(value: UInt64(stated), limit: UInt64(bytes.count - position)), "length")
                }
                size = Int(stated)
            }
            guard size <= bytes.count - position else {
                throw error(field, position - start, .truncated(needed: size, remaining: bytes.count - position))
            }
            try check(field, template, bytes, position, size, start, &layout)
            position += size
        }
        guard position == bytes.count else {
            throw ParsingError(
                field: "ima_template_entry.template_data", offset: base + position - start,
                problem: .trailingBytes(count: bytes.count - position))
        }
        return layout
    }

    private func check(
        _ field: IMAField, _ template: IMATemplate, _ bytes: Span<UInt8>, _ position: Int, _ size: Int, _ start: Int,
        _ layout: inout IMAFieldLayout
    ) throws(ParsingError) {
        let place = position - start
        if size == 0 {
            guard field.mayBeEmpty else { throw error(field, place, .outOfRange(value: 0, limit: 1)) }
            return
        }
        switch field.form {
        case .rawDigest:
            guard size == 20 || size == 16 else {
                throw error(field, place, .outOfRange(value: UInt64(size), limit: 20))
            }
            layout.digest = position..<position + size
            layout.digestAlgorithm = size == 20 ? .sha1 : .md5
        case .digest:
            let digest = try readDigest(field, bytes, position, position + size, start)
            guard field == .dNG else { return }
            layout.digest = digest.range
            layout.digestAlgorithm = digest.algorithm
        case .digestWithType:
            let kind = try readKind(field, bytes, position, position + size, start)
            let digest = try readDigest(field, bytes, kind.end, position + size, start)
            layout.digest = digest.range
            layout.digestAlgorithm = digest.algorithm
            layout.digestKind = kind.kind
        case .shortName, .name:
            let isShort = if case .shortName = field.form { true } else { false }
            // The original template lists its name without the NUL, which every other template keeps.
            let end = template.isOriginal ? position + size : position + size - 1
            let limit = isShort ? IMAListLimits.shortEventNameSize : IMAListLimits.eventNameSize - 1
            guard end - position <= limit else {
                throw error(field, place, .outOfRange(value: UInt64(end - position), limit: UInt64(limit)))
            }
            for index in position..<end where bytes[index] == 0 {
                throw error(field, index - start, .malformed("a NUL inside the name"))
            }
            guard template.isOriginal || bytes[end] == 0 else {
                throw error(field, end - start, .malformed("the name does not end in a NUL"))
            }
            if field == .n || field == .nNG { layout.name = position..<end }
        case .bytes: break
        case .lengths:
            guard size % 4 == 0 else {
                throw error(field, place, .malformed("\(size) bytes are no list of 32-bit integers"))
            }
        case .integer(let expected):
            guard size == expected else {
                throw error(field, place, .outOfRange(value: UInt64(size), limit: UInt64(expected)))
            }
        }
    }

    /// `ima:` or `verity:`; `end` is behind the colon.
    private func readKind(
        _ field: IMAField, _ bytes: Span<UInt8>, _ position: Int, _ end: Int, _ start: Int
    ) throws(ParsingError) -> (kind: IMAFileDigest.Kind, end: Int) {
        for kind in [IMAFileDigest.Kind.ima, .verity] {
            let name = kind.rawValue.utf8
            guard end - position > name.count, bytes[position + name.count] == UInt8(ascii: ":") else { continue }
            if zip(name, position...).allSatisfy({ bytes[$1] == $0 }) { return (kind, position + name.count + 1) }
        }
        throw error(field, position - start, .malformed("neither ima: nor verity: stands in front of the digest"))
    }

    /// `algorithm:`, a NUL, and the digest up to `end`.
    private func readDigest(
        _ field: IMAField, _ bytes: Span<UInt8>, _ position: Int, _ end: Int, _ start: Int
    ) throws(ParsingError) -> (algorithm: IMAHashAlgorithm, range: Range<Int>) {
        // The longest name has 11 characters.
        let search = min(end, position + 16)
        var colon = position
        while colon < search, bytes[colon] != UInt8(ascii: ":") { colon += 1 }
        guard colon < search else {
            throw error(field, position - start, .malformed("no colon ends the name of the digest's algorithm"))
        }
        guard let algorithm = algorithm(bytes, position..<colon) else {
            throw error(field, position - start, .malformed("the digest's algorithm is unknown"))
        }
        guard colon + 1 < end, bytes[colon + 1] == 0 else {
            throw error(field, colon + 1 - start, .malformed("no NUL follows the name of the digest's algorithm"))
        }
        let digest = colon + 2..<end
        if digest.count != algorithm.digestSize {
            // Kernels before 4.2 leave room for 20 bytes in a violation, whatever the algorithm.
            guard digest.count == 20, digest.allSatisfy({ bytes[$0] == 0 }) else {
                throw error(
                    field, digest.lowerBound - start,
                    .outOfRange(value: UInt64(digest.count), limit: UInt64(algorithm.digestSize)))
            }
        }
        return (algorithm, digest)
    }

    private func algorithm(_ bytes: Span<UInt8>, _ range: Range<Int>) -> IMAHashAlgorithm? {
        // The two that nearly every entry has, without a string.
        if range.count == 6, Self.equal(bytes, range, "sha256") { return .sha256 }
        if range.count == 4, Self.equal(bytes, range, "sha1") { return .sha1 }
        return IMAHashAlgorithm(range.map { bytes[$0] })
    }

    private static func equal(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let wanted = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        for index in range.indices where bytes[index] != (unsafe wanted[index - range.lowerBound]) { return false }
        return true
    }

    private func error(
        _ field: IMAField, _ place: Int, _ problem: ParsingError.Problem, _ part: String? = nil
    ) -> ParsingError {
        ParsingError(
            field: "template field \(field.rawValue)" + (part.map { ".\($0)" } ?? ""), offset: base + place,
            problem: problem)
    }
}
