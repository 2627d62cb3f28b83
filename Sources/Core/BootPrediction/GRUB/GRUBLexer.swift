/// Cuts a configuration into tokens by the longest match, as GRUB's scanner does (grub-core/script/yylex.l).
struct GRUBLexer {
    enum Token: Hashable {
        case newline, semicolon, leftBrace, rightBrace, end
        case word(GRUBWord)
    }

    let source: GRUBSource
    /// The next byte.
    private(set) var position = 0

    init(_ source: GRUBSource) { self.source = source }

    private static let blank: Set<UInt8> = [0x20, 0x09]
    /// What ends a word outside of quotes.
    private static let special = Set("{}|&;<> \t\n".utf8)

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < source.bytes.count ? source.bytes[position + ahead] : nil
    }

    func error(_ construct: String, _ reason: String, at offset: Int) -> GRUBError {
        GRUBError(
            kind: .syntax, file: source.name, line: source.line(at: offset), construct: construct, reason: reason)
    }

    mutating func next() throws(GRUBError) -> Token {
        while let byte = peek(), Self.blank.contains(byte) { position += 1 }
        if peek() == UInt8(ascii: "#") {
            while let byte = peek(), byte != UInt8(ascii: "\n") { position += 1 }
        }
        guard let byte = peek() else { return .end }
        switch byte {
        case UInt8(ascii: "\n"):
            position += 1
            return .newline
        case UInt8(ascii: ";"):
            guard peek(1) != byte else { throw error(";;", "is not part of GRUB's grammar", at: position) }
            position += 1
            return .semicolon
        case UInt8(ascii: "{"):
            position += 1
            return .leftBrace
        case UInt8(ascii: "}"):
            position += 1
            return .rightBrace
        case UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"):
            throw error(
                String(UnicodeScalar(byte)), "pipes, lists and redirections are not part of GRUB's grammar",
                at: position)
        default: return .word(try word())
        }
    }

    private mutating func word() throws(GRUBError) -> GRUBWord {
        let start = position
        var parts: [GRUBWord.Part] = []
        var text: [UInt8] = []
        func flush() { if !text.isEmpty { parts.append(.text(text)); text = [] } }
        while let byte = peek(), !Self.special.contains(byte) {
            switch byte {
            case UInt8(ascii: "\\"):
                guard let escaped = peek(1) else { throw error("\\", "nothing follows", at: position) }
                flush()
                position += 2
                if escaped != UInt8(ascii: "\n") { parts.append(.escaped(escaped)) }
            case UInt8(ascii: "'"):
                flush()
                parts.append(.quoted(try singleQuoted()))
            case UInt8(ascii: "\""):
                flush()
                position += 1
                try doubleQuoted(&parts)
            case UInt8(ascii: "$"):
                flush()
                if peek(1) == UInt8(ascii: "\"") {
                    position += 2
                    parts.append(.translated(try translated()))
                } else {
                    parts.append(.variable(try variable()))
                }
            default:
                text.append(byte)
                position += 1
            }
        }
        flush()
        return GRUBWord(
            parts: parts, raw: Array(source.bytes[start..<position]), line: source.line(at: start))
    }

    private mutating func singleQuoted() throws(GRUBError) -> [UInt8] {
        let start = position
        position += 1
        var text: [UInt8] = []
        while let byte = peek() {
            position += 1
            if byte == UInt8(ascii: "'") { return text }
            text.append(byte)
        }
        throw error("'", "the quote does not end", at: start)
    }

    private mutating func doubleQuoted(_ parts: inout [GRUBWord.Part]) throws(GRUBError) {
        let start = position
        var text: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                parts.append(.quoted(text))
                return
            case UInt8(ascii: "$"):
                parts.append(.quoted(text))
                text = []
                parts.append(.quotedVariable(try variable()))
            case UInt8(ascii: "\\"):
                switch peek(1) {
                case UInt8(ascii: "$"), UInt8(ascii: "\\"), UInt8(ascii: "\""):
                    text.append(source.bytes[position + 1])
                    position += 2
                case UInt8(ascii: "\n"): position += 2
                default:
                    text.append(byte)
                    position += 1
                }
            default:
                text.append(byte)
                position += 1
            }
        }
        throw error("\"", "the quote does not end", at: start)
    }

    private mutating func translated() throws(GRUBError) -> [UInt8] {
        let start = position
        var text: [UInt8] = []
        while let byte = peek() {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"):
                switch peek() {
                case UInt8(ascii: "\\"):
                    text += [byte, byte]
                    position += 1
                case UInt8(ascii: "\""):
                    text.append(UInt8(ascii: "\""))
                    position += 1
                case UInt8(ascii: "\n"): position += 1
                default: text.append(byte)
                }
            default: text.append(byte)
            }
        }
        throw error("$\"", "the quote does not end", at: start)
    }

    /// `$name`, `$1`, `$?`, and the same in braces.
    private mutating func variable() throws(GRUBError) -> String {
        let start = position
        position += 1
        let isBraced = peek() == UInt8(ascii: "{")
        if isBraced { position += 1 }
        var name: [UInt8] = []
        if let first = peek(), "?#*@".utf8.contains(first) {
            name = [first]
            position += 1
        } else if let first = peek(), Self.isDigit(first) {
            while let byte = peek(), Self.isDigit(byte) {
                name.append(byte)
                position += 1
            }
        } else {
            while let byte = peek(), Self.isNameStart(byte) || !name.isEmpty && Self.isDigit(byte) {
                name.append(byte)
                position += 1
            }
        }
        if isBraced {
            guard peek() == UInt8(ascii: "}") else { throw error("${", "is not a variable", at: start) }
            position += 1
        }
        guard !name.isEmpty else { throw error("$", "no variable's name follows", at: start) }
        return String(decoding: name, as: UTF8.self)
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    static func isNameStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
