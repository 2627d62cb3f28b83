extension GRUBInterpreter {
    /// Words to arguments (grub-core/script/execute.c, `grub_script_arglist_to_argv`): an unquoted variable is split at white
    /// space, one without value leaves nothing, quotes always leave an argument.
    ///
    /// - Throws: A variable that only the machine knows, a wildcard over the machine's files.
    func expand(_ words: [GRUBWord], _ block: GRUBBlock?) throws(GRUBError) -> [[UInt8]] {
        var arguments = Arguments()
        for word in words {
            arguments.next()
            for part in word.parts {
                switch part {
                case .text(let text): arguments.append(text, wild: true)
                case .escaped(let byte): arguments.append([byte], wild: false)
                case .quoted(let text): arguments.append(text, wild: false)
                case .translated(let text): arguments.append(try translate(text, word.line), wild: false)
                case .variable(let name):
                    for (index, value) in try values(name, word.line).enumerated() {
                        if index > 0 { arguments.next() }
                        for (place, piece) in value.split(whereSeparator: Self.isSpace).enumerated() {
                            if place > 0 { arguments.next() }
                            arguments.append(Array(piece), wild: true)
                        }
                    }
                case .quotedVariable(let name):
                    let values = try values(name, word.line)
                    if name == "*" {
                        arguments.append(Array(values.joined(separator: [UInt8(ascii: " ")])), wild: false)
                    } else {
                        for (index, value) in values.enumerated() {
                            if index > 0 { arguments.next() }
                            arguments.append(value, wild: false)
                        }
                    }
                }
            }
            if let pattern = arguments.pattern {
                throw error(
                    .unsupported, word.line, Self.text(pattern),
                    "a wildcard stands for the files of the machine; quote it or name the files")
            }
        }
        if let block {
            arguments.next()
            arguments.append([UInt8(ascii: "{")] + block.text + [UInt8(ascii: "}")], wild: false)
        }
        return arguments.all
    }

    private struct Arguments {
        private var list: [[UInt8]?] = []
        private var isWild = false

        mutating func next() {
            isWild = false
            if let last = list.last, last == nil { return }
            list.append(nil)
        }
        mutating func append(_ bytes: [UInt8], wild: Bool) {
            guard !list.isEmpty else { return }
            let all = (list[list.count - 1] ?? []) + bytes
            list[list.count - 1] = all
            // GRUB expands only what looks like a path (commands/wildcard.c).
            if wild, bytes.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }) { isWild = true }
        }
        /// The last argument, where GRUB would look for files that match it.
        var pattern: [UInt8]? {
            guard isWild, let last = list.last, let argument = last, let first = argument.first,
                "/(*".utf8.contains(first)
            else { return nil }
            return argument
        }
        var all: [[UInt8]] { list.compactMap { $0 } }
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// A variable's value; `$@` and `$*` have several. Empty where it has none.
    func values(_ name: String, _ line: Int) throws(GRUBError) -> [[UInt8]] {
        switch name {
        case "#": return scope.map { [Array(String($0.count).utf8)] } ?? []
        case "@", "*": return scope ?? []
        case "?":
            switch lastStatus {
            case .known(let code): return [Array(String(code).utf8)]
            case .unknown(let command):
                throw error(.undecided, line, "$?", "the exit code of '\(Self.text(command))' is not known")
            }
        default:
            if let first = name.utf8.first, GRUBLexer.isDigit(first) {
                guard let number = Int(name), let scope, number >= 1, number <= scope.count else { return [] }
                return [scope[number - 1]]
            }
            switch environment[name] {
            case nil: return []
            case .known(let value)?: return value.isEmpty ? [] : [value]
            case .unknown(let reason)?:
                throw error(.undecided, line, "$\(name)", "\(reason); --set \(name)=VALUE says it")
            }
        }
    }

    /// `$"…"` without a language is its own text, with variables replaced (`gettext_append`).
    private func translate(_ text: [UInt8], _ line: Int) throws(GRUBError) -> [UInt8] {
        if let language = environment["lang"], language != .known([]) {
            throw error(.undecided, line, "$\"…\"", "is translated by a catalogue of the machine")
        }
        guard !text.contains(UInt8(ascii: "$")), !text.contains(UInt8(ascii: "\\")) else {
            throw error(.unsupported, line, "$\"…\"", "variables and escapes in a translated text are not predicted")
        }
        return text
    }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    static func joined(_ arguments: [[UInt8]]) -> [UInt8] { Array(arguments.joined(separator: [UInt8(ascii: " ")])) }
}
