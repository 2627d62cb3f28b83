extension GRUBInterpreter {
    private static let optionsWithValue: Set<String> = ["--class", "-c", "--users", "-u", "--hotkey", "-k", "--id"]
    private static let optionsAlone: Set<String> = ["--unrestricted", "-r"]

    /// `menuentry` and `submenu` (commands/menuentry.c): the block is kept as text.
    mutating func menuEntry(_ call: GRUBCall) throws(GRUBError) -> Status {
        guard let block = call.block else {
            throw error(.unsupported, call.line, call.name, "an entry without a block is not predicted")
        }
        var parameters: [[UInt8]] = []
        var id: [UInt8]?
        var pending: String?
        var isPlain = false
        for argument in call.arguments.dropLast() {
            let text = Self.text(argument)
            if let option = pending {
                if option == "--id" { id = argument }
                pending = nil
            } else if isPlain || !text.hasPrefix("-") || text == "-" {
                parameters.append(argument)
            } else if text == "--" {
                isPlain = true
            } else if Self.optionsWithValue.contains(text) {
                pending = text
            } else if text.hasPrefix("--id=") {
                id = Array(argument.dropFirst(5))
            } else if Self.optionsAlone.contains(text)
                || ["--class=", "--users=", "--hotkey="].contains(where: text.hasPrefix)
            {
                continue
            } else {
                throw error(.unsupported, call.line, call.name, "unknown option \(text)")
            }
        }
        guard pending == nil, let title = parameters.first else { return .known(18) }
        let quoted = parameters.map { parameter in
            let escaped = parameter.flatMap { $0 == UInt8(ascii: "'") ? Array(#"'\''"#.utf8) : [$0] }
            return Array(" '".utf8) + escaped + [UInt8(ascii: "'")]
        }
        environment.menu.append(
            GRUBMenuEntry(
                title: title, id: id ?? title, isSubmenu: call.name == "submenu", arguments: parameters,
                source: Array("setparams".utf8) + Array(quoted.joined()) + [UInt8(ascii: "\n")] + block.text,
                file: file, line: block.line))
        return .success
    }

    /// Starts the entry that nobody chose otherwise (normal/menu.c, `run_menu`, `grub_menu_execute_entry`).
    mutating func showMenu() throws(GRUBError) -> Outcome {
        let menu = environment.menu
        let entry = menu[try chosen(menu)]
        let (outerDefault, outerChosen) = (environment["default"], environment["chosen"])
        if entry.isSubmenu {
            guard environment.depth < GRUBEnvironment.maximumDepth else {
                throw error(.limit, entry.line, "submenu", "more than \(GRUBEnvironment.maximumDepth) contexts")
            }
            environment.open()
            environment["timeout"] = .known([UInt8(ascii: "0")])
        }
        let escaped = entry.id.flatMap { $0 == UInt8(ascii: ">") ? [$0, $0] : [$0] }
        if case .known(let before)? = outerChosen {
            environment["chosen"] = .known(before + [UInt8(ascii: ">")] + escaped)
        } else {
            environment["chosen"] = .known(escaped)
        }
        environment.export("chosen")
        let wanted = outerChosen == nil ? inputs.entry.map { .known(Array($0.utf8)) } ?? outerDefault : outerDefault
        environment["default"] = Self.rest(wanted)
        let outerScope = scope
        scope = entry.arguments
        // The first line is the entry's parameters, the next one the rest of the line behind the brace.
        let outcome = try run(
            GRUBSource(
                "\(entry.file) (entry '\(Self.text(entry.title))')", entry.source, isFile: false,
                firstLine: entry.line - 1))
        scope = outerScope
        if case .booted = outcome { return outcome }
        if isLoaded { return .booted }
        guard entry.isSubmenu, !environment.menu.isEmpty else {
            throw error(
                .undecided, entry.line, "menuentry '\(Self.text(entry.title))'", "the entry that starts loads no kernel"
            )
        }
        return try showMenu()
    }

    /// What follows the first `>` that is not doubled.
    private static func rest(_ value: GRUBEnvironment.Value?) -> GRUBEnvironment.Value? {
        guard case .known(let text)? = value else { return value }
        guard let split = split(text), split < text.count - 1 else { return nil }
        return .known(Array(text[(split + 1)...]))
    }

    private static func split(_ text: [UInt8]) -> Int? {
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: ">") {
                guard index + 1 < text.count, text[index + 1] == UInt8(ascii: ">") else { return index }
                index += 1
            }
            index += 1
        }
        return nil
    }

    private mutating func chosen(_ menu: [GRUBMenuEntry]) throws(GRUBError) -> Int {
        let isOuter = environment["chosen"] == nil
        let wanted: [UInt8]
        if isOuter, let entry = inputs.entry {
            wanted = Array(entry.utf8)
        } else {
            switch environment["default"] {
            case nil: return 0
            case .known(let value)?: wanted = value
            case .unknown(let reason)?:
                throw error(.undecided, 1, "$default", "\(reason); --entry says which entry starts")
            }
        }
        if isOuter, inputs.entry == nil { try checkTimeout() }
        if let number = GRUBNumber.leading(wanted[...]) {
            return number < Int64(menu.count) ? Int(number) : 0
        }
        let head = Self.split(wanted).map { Array(wanted[..<$0]) } ?? wanted
        let name = head.reduce(into: [UInt8]()) { text, byte in
            // ">>" stands for one.
            if byte == UInt8(ascii: ">"), text.last == byte { return }
            text.append(byte)
        }
        if let index = menu.firstIndex(where: { $0.title == name || $0.id == name }) { return index }
        if isOuter, let entry = inputs.entry {
            throw error(.undecided, 1, "--entry \(entry)", "no such entry in the menu")
        }
        return 0
    }

    /// Without a timeout the menu waits for a person, whose choice nobody can predict.
    private func checkTimeout() throws(GRUBError) {
        switch environment["timeout"] {
        case .known(let value)? where (GRUBNumber.leading(value[...]) ?? -1) >= 0 && value.first != UInt8(ascii: "-"):
            return
        case .unknown(let reason)?: throw error(.undecided, 1, "$timeout", "\(reason); --entry says which entry starts")
        default:
            throw error(
                .undecided, 1, "$timeout",
                "without a timeout the menu waits for a person; --entry says which entry starts")
        }
    }
}
