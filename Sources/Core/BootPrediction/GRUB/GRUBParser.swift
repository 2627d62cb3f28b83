/// GRUB's grammar (grub-core/script/parser.y), one line's statements at a time, because GRUB executes each line before it
/// reads the next one. Recursion is bounded.
struct GRUBParser {
    /// Real configurations nest less than ten deep.
    static let maximumDepth = 64

    private var lexer: GRUBLexer
    private var token: GRUBLexer.Token = .newline
    private var depth = 0

    init(_ source: GRUBSource) throws(GRUBError) {
        lexer = GRUBLexer(source)
        try advance()
    }

    private mutating func advance() throws(GRUBError) {
        token = try lexer.next()
    }

    private static let reserved: Set<String> = [
        "[[", "]]", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "select", "then", "until",
        "while", "function",
    ]

    private var keyword: String? {
        guard case .word(let word) = token else { return nil }
        let text = String(decoding: word.raw, as: UTF8.self)
        return Self.reserved.contains(text) ? text : nil
    }

    private var line: Int {
        if case .word(let word) = token { return word.line }
        return lexer.source.line(at: max(0, min(lexer.position, lexer.source.bytes.count) - 1))
    }

    private func unexpected(_ wanted: String) -> GRUBError {
        let seen =
            switch token {
            case .newline: "the end of the line"
            case .semicolon: ";"
            case .leftBrace: "{"
            case .rightBrace: "}"
            case .end: "the end of the configuration"
            case .word(let word): String(decoding: word.raw.prefix(64), as: UTF8.self)
            }
        return GRUBError(
            kind: .syntax, file: lexer.source.name, line: line, construct: seen, reason: "expected \(wanted)")
    }

    /// The statements of the next line that has any; nil at the end.
    mutating func nextLine() throws(GRUBError) -> [GRUBStatement]? {
        while token == .newline { try advance() }
        guard token != .end else { return nil }
        var statements: [GRUBStatement] = []
        while true {
            statements.append(try statement())
            switch token {
            case .newline, .end: return statements
            case .semicolon:
                try advance()
                if token == .newline || token == .end { return statements }
            default: throw unexpected("; or the end of the line")
            }
        }
    }

    private mutating func statement() throws(GRUBError) -> GRUBStatement {
        guard keyword == "function" else { return .command(try command()) }
        try advance()
        let name = try name()
        while token == .newline { try advance() }
        guard token == .leftBrace else { throw unexpected("{") }
        try advance()
        let body = try commands()
        guard body.isDelimited, token == .rightBrace else { throw unexpected("} behind the end of a line or ;") }
        try advance()
        return .function(name: name, body: body.commands)
    }

    private mutating func name() throws(GRUBError) -> String {
        guard case .word(let word) = token, keyword == nil, let first = word.raw.first, GRUBLexer.isNameStart(first),
            word.raw.allSatisfy({ GRUBLexer.isNameStart($0) || GRUBLexer.isDigit($0) })
        else { throw unexpected("a name") }
        try advance()
        return String(decoding: word.raw, as: UTF8.self)
    }

    /// One or more commands, and whether a delimiter follows the last one.
    private mutating func commands() throws(GRUBError) -> (commands: [GRUBCommand], isDelimited: Bool) {
        while token == .newline { try advance() }
        var commands = [try command()]
        while true {
            guard token == .newline || token == .semicolon else { return (commands, false) }
            try advance()
            while token == .newline { try advance() }
            if token == .rightBrace || token == .end { return (commands, true) }
            if let keyword, ["then", "else", "elif", "fi", "do", "done"].contains(keyword) { return (commands, true) }
            commands.append(try command())
        }
    }

    private mutating func list(until word: String) throws(GRUBError) -> [GRUBCommand] {
        let result = try commands()
        guard result.isDelimited, keyword == word else { throw unexpected(word) }
        try advance()
        return result.commands
    }

    private mutating func command() throws(GRUBError) -> GRUBCommand {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else {
            throw GRUBError(
                kind: .limit, file: lexer.source.name, line: line, construct: "command",
                reason: "nested deeper than \(Self.maximumDepth)")
        }
        let line = line
        switch keyword {
        case "if": return try conditional(line)
        case "for":
            try advance()
            let variable = try name()
            guard keyword == "in" else { throw unexpected("in") }
            try advance()
            let words = try arguments()
            guard token == .newline || token == .semicolon else { throw unexpected("; or the end of the line") }
            try advance()
            while token == .newline { try advance() }
            guard keyword == "do" else { throw unexpected("do") }
            try advance()
            return .loop(variable: variable, words: words, body: try list(until: "done"), line: line)
        case "while", "until":
            let isUntil = keyword == "until"
            try advance()
            let condition = try list(until: "do")
            return .repeated(condition: condition, body: try list(until: "done"), until: isUntil, line: line)
        case nil: return try simple(line)
        default: throw unexpected("a command")
        }
    }

    private mutating func conditional(_ line: Int) throws(GRUBError) -> GRUBCommand {
        var branches: [GRUBCommand.Branch] = []
        while true {
            try advance()
            let condition = try list(until: "then")
            let body = try commands()
            guard body.isDelimited else { throw unexpected("; or the end of the line") }
            branches.append(GRUBCommand.Branch(condition: condition, body: body.commands))
            switch keyword {
            case "elif": continue
            case "else":
                try advance()
                return .conditional(branches, otherwise: try list(until: "fi"), line: line)
            case "fi":
                try advance()
                return .conditional(branches, otherwise: [], line: line)
            default: throw unexpected("elif, else or fi")
            }
        }
    }

    private mutating func arguments() throws(GRUBError) -> [GRUBWord] {
        var words: [GRUBWord] = []
        while case .word(let word) = token {
            guard word.raw != Array("[[".utf8), word.raw != Array("]]".utf8) else { throw unexpected("an argument") }
            words.append(word)
            try advance()
        }
        return words
    }

    private mutating func simple(_ line: Int) throws(GRUBError) -> GRUBCommand {
        guard case .word = token else { throw unexpected("a command") }
        let words = try arguments()
        guard token == .leftBrace else { return .simple(words, nil, line: line) }
        let start = lexer.position
        let first = lexer.source.line(at: start)
        try advance()
        _ = try commands()
        guard token == .rightBrace else { throw unexpected("}") }
        // The brace is the byte before the scanner's place.
        let text = Array(lexer.source.bytes[start..<lexer.position - 1])
        try advance()
        return .simple(words, GRUBBlock(text: text, line: first), line: line)
    }
}
