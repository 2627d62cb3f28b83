/// Walks a JSON text once, without recursion and without building values, and refuses what JSONDecoder lets through:
/// duplicate keys, trailing commas, fractions for integers, lone surrogates, any depth.
struct StrictJSONScanner {
    private let bytes: [UInt8]
    private let limits: StrictJSONLimits
    private var position = 0
    private var valueCount = 0
    private var frames: [Frame] = []

    private enum Frame {
        case array
        case object(keys: Set<[UInt8]>)
    }
    private enum Expectation {
        case value, valueOrArrayEnd, key, keyOrObjectEnd, commaOrEnd
    }

    static func check(_ bytes: [UInt8], limits: StrictJSONLimits) throws(StrictJSONError) {
        guard bytes.count <= limits.maxBytes else {
            throw StrictJSONError(.tooLarge(what: "bytes", limit: limits.maxBytes), offset: limits.maxBytes)
        }
        var scanner = StrictJSONScanner(bytes: bytes, limits: limits)
        try scanner.scan()
    }

    private init(bytes: [UInt8], limits: StrictJSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    private mutating func scan() throws(StrictJSONError) {
        var expectation = Expectation.value
        repeat {
            skipWhitespace()
            guard position < bytes.count else { throw StrictJSONError(.truncated, offset: position) }
            let byte = bytes[position]
            switch expectation {
            case .valueOrArrayEnd where byte == UInt8(ascii: "]"), .keyOrObjectEnd where byte == UInt8(ascii: "}"):
                close()
                expectation = .commaOrEnd
            case .value, .valueOrArrayEnd:
                expectation = try value(byte)
            case .key, .keyOrObjectEnd:
                try key(byte)
                expectation = .value
            case .commaOrEnd:
                expectation = try commaOrEnd(byte)
            }
        } while !(frames.isEmpty && expectation == .commaOrEnd)
        skipWhitespace()
        guard position == bytes.count else { throw StrictJSONError(.trailingBytes, offset: position) }
    }

    private mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): position += 1
            default: return
            }
        }
    }

    private mutating func close() {
        position += 1
        frames.removeLast()
    }

    private mutating func open(_ frame: Frame) throws(StrictJSONError) {
        guard frames.count < limits.maxDepth else {
            throw StrictJSONError(.tooLarge(what: "levels", limit: limits.maxDepth), offset: position)
        }
        position += 1
        frames.append(frame)
    }

    private mutating func value(_ byte: UInt8) throws(StrictJSONError) -> Expectation {
        valueCount += 1
        guard valueCount <= limits.maxValues else {
            throw StrictJSONError(.tooLarge(what: "values", limit: limits.maxValues), offset: position)
        }
        switch byte {
        case UInt8(ascii: "{"):
            try open(.object(keys: []))
            return .keyOrObjectEnd
        case UInt8(ascii: "["):
            try open(.array)
            return .valueOrArrayEnd
        case UInt8(ascii: "\""): try passString()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        default: throw StrictJSONError(.syntax("a value is due"), offset: position)
        }
        return .commaOrEnd
    }

    private mutating func key(_ byte: UInt8) throws(StrictJSONError) {
        guard byte == UInt8(ascii: "\"") else { throw StrictJSONError(.syntax("a key is due"), offset: position) }
        let start = position
        let name = try string()
        if case .object(var keys)? = frames.popLast() {
            guard keys.insert(name).inserted else {
                throw StrictJSONError(.duplicateKey(String(decoding: name, as: UTF8.self)), offset: start)
            }
            frames.append(.object(keys: keys))
        }
        skipWhitespace()
        guard position < bytes.count else { throw StrictJSONError(.truncated, offset: position) }
        guard bytes[position] == UInt8(ascii: ":") else {
            throw StrictJSONError(.syntax("a colon is due"), offset: position)
        }
        position += 1
    }

    private mutating func commaOrEnd(_ byte: UInt8) throws(StrictJSONError) -> Expectation {
        switch (frames.last, byte) {
        case (.array?, UInt8(ascii: ",")):
            position += 1
            return .value
        case (.object?, UInt8(ascii: ",")):
            position += 1
            return .key
        case (.array?, UInt8(ascii: "]")), (.object?, UInt8(ascii: "}")):
            close()
            return .commaOrEnd
        default: throw StrictJSONError(.syntax("a comma or the end is due"), offset: position)
        }
    }

    private mutating func literal(_ text: StaticString) throws(StrictJSONError) {
        for expected in text.description.utf8 {
            guard position < bytes.count else { throw StrictJSONError(.truncated, offset: position) }
            guard bytes[position] == expected else {
                throw StrictJSONError(.syntax("\(text) is due"), offset: position)
            }
            position += 1
        }
    }

    // MARK: Numbers

    private mutating func digits() -> Int {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        return position - start
    }

    private mutating func number() throws(StrictJSONError) {
        let start = position
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let integerStart = position
        let integerDigits = digits()
        guard integerDigits > 0 else {
            throw StrictJSONError(position < bytes.count ? .syntax("a digit is due") : .truncated, offset: position)
        }
        guard integerDigits == 1 || bytes[integerStart] != UInt8(ascii: "0") else {
            throw StrictJSONError(.number("a number starts with a zero"), offset: start)
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        let isInteger = try fractionAndExponent() == false
        guard isInteger || limits.allowsFractions else {
            throw StrictJSONError(.number("an integer is due, without fraction or exponent"), offset: start)
        }
        let whole = String(decoding: bytes[start..<position], as: UTF8.self)
        let fits =
            if isInteger { Int64(text) != nil || UInt64(text) != nil } else { Double(whole)?.isFinite ?? false }
        guard fits, whole.utf8.count <= 64 else {
            throw StrictJSONError(.number("the number is outside 64 bits"), offset: start)
        }
    }

    private mutating func fractionAndExponent() throws(StrictJSONError) -> Bool {
        var found = false
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            found = true
            guard digits() > 0 else {
                throw StrictJSONError(.syntax("a digit is due"), offset: position)
            }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            found = true
            if position < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[position]) {
                position += 1
            }
            guard digits() > 0 else {
                throw StrictJSONError(.syntax("a digit is due"), offset: position)
            }
        }
        return found
    }

    // MARK: Strings

    /// Passes over a value: most are printable ASCII without escapes, and nothing is built of those.
    private mutating func passString() throws(StrictJSONError) {
        var end = position + 1
        while end < bytes.count {
            switch bytes[end] {
            case UInt8(ascii: "\"") where end - position - 1 <= limits.maxStringBytes:
                position = end + 1
                return
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0..<0x20, 0x80...:
                _ = try string()
                return
            default: end += 1
            }
        }
        _ = try string()
    }

    /// Reads a string from its opening quote and returns its content with escapes resolved, so that `"a"` and `"\u0061"`
    /// are one key.
    private mutating func string() throws(StrictJSONError) -> [UInt8] {
        let start = position
        position += 1
        var content: [UInt8] = []
        var isASCII = true
        while true {
            guard position < bytes.count else { throw StrictJSONError(.truncated, offset: position) }
            guard position - start - 1 <= limits.maxStringBytes else {
                throw StrictJSONError(.tooLarge(what: "bytes in a string", limit: limits.maxStringBytes), offset: start)
            }
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard isASCII || String(validating: content, as: UTF8.self) != nil else {
                    throw StrictJSONError(.badText("a string is not UTF-8"), offset: start)
                }
                return content
            case UInt8(ascii: "\\"):
                try escape(into: &content, isASCII: &isASCII)
            case 0..<0x20:
                throw StrictJSONError(.badText("a raw control character in a string"), offset: position)
            default:
                isASCII = isASCII && byte < 0x80
                content.append(byte)
                position += 1
            }
        }
    }

    private mutating func escape(into content: inout [UInt8], isASCII: inout Bool) throws(StrictJSONError) {
        let start = position
        guard position + 1 < bytes.count else { throw StrictJSONError(.truncated, offset: bytes.count) }
        let kind = bytes[position + 1]
        position += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(kind)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hexadecimal())
            if (0xD800..<0xDC00).contains(code) {
                guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                else { throw StrictJSONError(.badText("a lone surrogate"), offset: start) }
                position += 2
                let low = UInt32(try hexadecimal())
                guard (0xDC00..<0xE000).contains(low) else {
                    throw StrictJSONError(.badText("a lone surrogate"), offset: start)
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw StrictJSONError(.badText("a lone surrogate"), offset: start)
            }
            isASCII = isASCII && scalar.isASCII
            content.append(contentsOf: Array(String(Character(scalar)).utf8))
        default: throw StrictJSONError(.syntax("an unknown escape"), offset: start)
        }
    }

    private mutating func hexadecimal() throws(StrictJSONError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw StrictJSONError(.truncated, offset: bytes.count) }
        var value: UInt16 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw StrictJSONError(.syntax("four hexadecimal digits are due"), offset: position)
            }
            value = value << 4 | UInt16(digit)
        }
        position += 4
        return value
    }
}
