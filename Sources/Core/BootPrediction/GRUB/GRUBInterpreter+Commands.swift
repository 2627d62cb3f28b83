internal import TPMStructures

extension GRUBInterpreter {
    /// Commands that change nothing a measurement depends on, whatever they do on the machine; their exit code is unknown.
    private static let inert: Set<String> = [
        "serial", "terminal_input", "terminal_output", "terminfo", "play", "sleep", "background_color", "videoinfo",
        "cutmem", "badram", "cryptomount", "password", "password_pbkdf2", "authenticate", "clear", "cls", "setpci",
        "outb", "outw", "outl", "hdparm", "parttool", "gptsync", "nativedisk", "rmmod", "ls", "help", "lsefi", "lsmmap",
        "efifwsetup", "save_env", "keystatus", "echo", "list_env", "usb", "stall", "efi_console",
    ]
    /// They read a file that is measured when it can be opened.
    private static let readers: Set<String> = ["loadfont", "background_image", "keymap", "acpi"]
    /// They set variables from what the machine is.
    private static let probes: Set<String> = ["probe", "smbios", "regexp", "date", "eval", "getdate"]

    /// - Returns: nil when GRUB has no such command.
    mutating func builtIn(_ call: GRUBCall) throws(GRUBError) -> Outcome? {
        switch call.name {
        case "true", "export", "unset", "set", "setparams", "shift": return .done(try variables(call))
        case "false": return .done(.known(1))
        case "[", "test": return .done(try test(call))
        case "break", "continue", "return", "exit", "normal_exit": return try leave(call)
        case "menuentry", "submenu": return .done(try menuEntry(call))
        case "source", ".", "configfile", "normal": return try configuration(call)
        case "load_env": return .done(try loadEnvironment(call))
        case "search", "search.file", "search.fs_uuid", "search.fs_label": return .done(try search(call))
        case "insmod": return .done(try module(call))
        case "linux", "linux16", "linuxefi": return .done(try kernel(call))
        case "initrd", "initrd16", "initrdefi": return .done(try initrd(call))
        case "boot": return isLoaded ? .booted : .done(.known(1))
        case "fwsetup" where call.arguments.first == Array("--is-supported".utf8): return .done(.unknown(call.text))
        case "fwsetup", "halt", "reboot", "chainloader", "multiboot", "multiboot2", "module", "module2",
            "xen_hypervisor",
            "xen_module", "devicetree", "blscfg", "extract_entries_source", "extract_entries_configfile",
            "legacy_configfile", "syslinux_configfile", "loopback":
            throw error(.unsupported, call.line, call.name, "what follows this command is not predicted")
        case _ where Self.inert.contains(call.name): return .done(.unknown(call.text))
        case _ where Self.readers.contains(call.name): return .done(try reader(call))
        case _ where Self.probes.contains(call.name): return .done(try probe(call))
        default: return nil
        }
    }

    // MARK: Variables

    private mutating func variables(_ call: GRUBCall) throws(GRUBError) -> Status {
        switch call.name {
        case "set":
            guard let first = call.arguments.first else { return .success }
            guard let equals = first.firstIndex(of: UInt8(ascii: "=")) else { return .known(18) }
            try assign(Self.text(Array(first[..<equals])), Array(first[(equals + 1)...]), call)
        case "unset":
            guard let name = call.arguments.first else { return .known(18) }
            environment[Self.text(name)] = nil
        case "export": for name in call.arguments { environment.export(Self.text(name)) }
        case "setparams":
            guard scope != nil else { return .known(30) }
            scope = call.arguments
        case "shift":
            let count = call.arguments.first.flatMap { Int(Self.text($0)) } ?? 1
            guard let own = scope, count >= 0, count <= own.count else { return .known(18) }
            scope = Array(own.dropFirst(count))
        default: break
        }
        return .success
    }

    mutating func assign(_ name: String, _ value: [UInt8], _ call: GRUBCall) throws(GRUBError) {
        environment[name] = .known(value)
        // A language makes it read a catalogue (gettext/gettext.c); there is none of English.
        if ["lang", "locale_dir", "secondary_locale_dir"].contains(name), !(try repeatFiles(call)) {
            let isPlain = name != "lang" || value.isEmpty || value.starts(with: Array("en".utf8))
            guard isPlain || exitCode(call.text, call.line) != nil else {
                throw error(
                    .undecided, call.line, Self.text(call.text),
                    "GRUB reads a catalogue where there is one; --assume '\(Self.text(call.text))=0' when there is none"
                )
            }
        }
        // A new prefix makes GRUB read its lists of modules there (normal/main.c, `read_lists`).
        guard name == "prefix" else { return }
        if let step = history.step(call.text, runsBefore(call.text))?.step {
            for file in step.files { try open(Array(file.name.utf8), call.line) }
            return
        }
        let folder = value + Array("/\(cpu)-efi/".utf8)
        let lists = ["command.lst", "fs.lst", "crypto.lst", "terminal.lst"].map { folder + Array($0.utf8) }
        let known = lists.filter { digests(ofFile: $0) != nil }
        guard !known.isEmpty || exitCode(call.text, call.line) != nil else {
            throw error(
                .undecided, call.line, Self.text(call.text),
                "GRUB reads command.lst, fs.lst, crypto.lst and terminal.lst in that folder where they exist; give them with "
                    + "--file, or --assume '\(Self.text(call.text))=0' when there are none")
        }
        for list in known { try open(list, call.line) }
    }

    private var cpu: String {
        if case .known(let value)? = environment["grub_cpu"] { return Self.text(value) }
        return "x86_64"
    }

    /// A value that only the machine knows, unless an operator said it.
    private mutating func setUnknown(_ name: String, _ call: GRUBCall) {
        environment[name] =
            inputs.variables[name].map { .known(Array($0.utf8)) }
            ?? .unknown("'\(Self.text(call.text))' sets it from the machine")
    }

    // MARK: Flow

    private mutating func leave(_ call: GRUBCall) throws(GRUBError) -> Outcome {
        switch call.name {
        case "break", "continue":
            let loops = call.arguments.first.flatMap { Int(Self.text($0)) } ?? 1
            guard loops > 0 else { return .done(.known(18)) }
            return call.name == "break" ? .leave(loops: loops) : .proceed(loops: loops)
        case "return":
            guard let argument = call.arguments.first else { return .returned(lastStatus) }
            guard let code = Int(Self.text(argument)) else { return .done(.known(18)) }
            return .returned(.known(code))
        default: throw error(.unsupported, call.line, call.name, "leaves GRUB")
        }
    }

    private mutating func configuration(_ call: GRUBCall) throws(GRUBError) -> Outcome {
        guard call.arguments.count == 1 else { return .done(.known(18)) }
        let name = call.arguments[0]
        guard let content = content(ofFile: name) else {
            throw error(
                .missingFile, call.line, Self.text(call.text),
                "the configuration's content is not given; --file \(Self.text(name))=FILE")
        }
        guard call.name == "configfile" || call.name == "normal" else {
            return try configuration(name, content, call.line)
        }
        guard environment.depth < GRUBEnvironment.maximumDepth else {
            throw error(.limit, call.line, call.name, "more than \(GRUBEnvironment.maximumDepth) contexts")
        }
        environment.open()
        var outcome = try configuration(name, content, call.line)
        if outcome != .booted, !environment.menu.isEmpty { outcome = try showMenu() }
        if outcome != .booted { environment.close() }
        return outcome
    }

    /// Reads and runs one file in the present context.
    mutating func configuration(_ name: [UInt8], _ content: [UInt8], _ line: Int) throws(GRUBError) -> Outcome {
        try open(name, line)
        let outer = (environment["config_file"], environment["config_directory"])
        enter(name)
        let outcome = try run(GRUBSource(Self.text(name), content, isFile: true))
        (environment["config_file"], environment["config_directory"]) = outer
        if case .booted = outcome { return outcome }
        return .done(.success)
    }

    /// The variables that say which configuration is read (grub-core/normal/main.c, `read_config_file`).
    mutating func enter(_ name: [UInt8]) {
        var path = GRUBEnvironment.Value.known(name)
        if name.first != UInt8(ascii: "(") {
            switch environment["root"] {
            case .known(let root)?: path = .known([UInt8(ascii: "(")] + root + [UInt8(ascii: ")")] + name)
            default: path = .unknown("the device of \(Self.text(name)) is not known")
            }
        }
        environment["config_file"] = path
        environment["config_directory"] = path
        if case .known(let full) = path, let slash = full.lastIndex(of: UInt8(ascii: "/")) {
            environment["config_directory"] = .known(Array(full[..<slash]))
        }
        environment.export("config_file")
        environment.export("config_directory")
    }

    // MARK: Files

    /// The files that the last boot read for the same command, with the contents of now.
    private mutating func repeatFiles(_ call: GRUBCall) throws(GRUBError) -> Bool {
        guard let step = history.step(call.text, runsBefore(call.text))?.step else { return false }
        for file in step.files { try open(Array(file.name.utf8), call.line) }
        return true
    }

    private mutating func module(_ call: GRUBCall) throws(GRUBError) -> Status {
        guard let name = call.arguments.first else { return .known(18) }
        guard loadedModules.insert(name).inserted else { return .success }
        if try repeatFiles(call) { return .unknown(call.text) }
        var path = name
        if name.first != UInt8(ascii: "("), name.first != UInt8(ascii: "/"),
            case .known(let prefix)? = environment["prefix"]
        {
            path = prefix + Array("/\(cpu)-efi/".utf8) + name + Array(".mod".utf8)
        }
        if content(ofFile: path) != nil {
            try open(path, call.line)
            return .unknown(call.text)
        }
        // Modules of signed images are built in; the last boot shows which names read no file.
        if let code = exitCode(call.text, call.line) { return .known(code) }
        throw error(
            .undecided, call.line, Self.text(call.text),
            "the last boot did not load this module: give \(Self.text(path)) with --file where GRUB reads it from disk, or "
                + "--assume '\(Self.text(call.text))=0' where it is built in (or =1 where it is refused)")
    }

    private mutating func reader(_ call: GRUBCall) throws(GRUBError) -> Status {
        if try repeatFiles(call) { return .unknown(call.text) }
        let paths = call.arguments.filter { $0.first == UInt8(ascii: "/") || $0.first == UInt8(ascii: "(") }
        let code = exitCode(call.text, call.line)
        if let code, code != 0 { return .known(code) }
        if let code, paths.isEmpty { return .known(code) }
        guard !paths.isEmpty, paths.allSatisfy({ digests(ofFile: $0) != nil }) else {
            throw error(
                .undecided, call.line, Self.text(call.text),
                "the last boot did not run it: give its file with --file, or --assume '\(Self.text(call.text))=1' where GRUB "
                    + "refuses it (Secure Boot refuses fonts on disk), =0 where it needs no file")
        }
        for path in paths { try open(path, call.line) }
        return code.map(Status.known) ?? .unknown(call.text)
    }

    private mutating func search(_ call: GRUBCall) throws(GRUBError) -> Status {
        var variable: String?
        var readsFiles = call.name == "search.file"
        var plain: [[UInt8]] = []
        for argument in call.arguments {
            let text = Self.text(argument)
            switch text {
            case "--set", "-s": variable = "root"
            case _ where text.hasPrefix("--set="): variable = String(text.dropFirst(6))
            case "--file", "-f": readsFiles = true
            case _ where text.hasPrefix("-"): break
            default: plain.append(argument)
            }
        }
        let kinds = ["--fs-uuid", "-u", "--label", "-l", "--file", "-f"].map { Array($0.utf8) }
        if call.name == "search", !call.arguments.contains(where: kinds.contains) { readsFiles = true }
        if call.name != "search", plain.count > 1 { variable = Self.text(plain[1]) }
        if readsFiles, !(try repeatFiles(call)) {
            guard let code = exitCode(call.text, call.line), code != 0 else {
                throw error(
                    .undecided, call.line, Self.text(call.text),
                    "which disks hold the file is not known; --assume '\(Self.text(call.text))=1' when none does")
            }
            return .known(code)
        }
        if let variable { setUnknown(variable, call) }
        return .unknown(call.text)
    }

    private mutating func probe(_ call: GRUBCall) throws(GRUBError) -> Status {
        guard call.name != "eval" else {
            throw error(.unsupported, call.line, call.name, "what follows this command is not predicted")
        }
        for (index, argument) in call.arguments.enumerated() {
            let text = Self.text(argument)
            if text.hasPrefix("--set=") {
                let rest = text.dropFirst(6)
                setUnknown(call.name == "regexp" ? String(rest.split(separator: ":").last ?? rest) : String(rest), call)
            } else if text == "--set" || text == "-s", index + 1 < call.arguments.count {
                let rest = Self.text(call.arguments[index + 1])
                setUnknown(String(rest.split(separator: ":").last ?? rest[...]), call)
            }
        }
        return .unknown(call.text)
    }

    /// `load_env [--skip-sig] [--file FILE] [NAME…]`: the variables of an environment block (commands/loadenv.c).
    private mutating func loadEnvironment(_ call: GRUBCall) throws(GRUBError) -> Status {
        var path: [UInt8]?
        var names: Set<String> = []
        var (skipsMeasurement, takesPath) = (false, false)
        for argument in call.arguments {
            let text = Self.text(argument)
            if takesPath {
                path = argument
                takesPath = false
            } else if text == "--skip-sig" || text == "-s" {
                skipsMeasurement = true
            } else if text == "--file" || text == "-f" {
                takesPath = true
            } else if text.hasPrefix("--file=") {
                path = Array(text.utf8.dropFirst(7))
            } else {
                names.insert(text)
            }
        }
        if path == nil {
            guard let prefix = try values("prefix", call.line).first else { return .known(22) }
            path = prefix + Array("/grubenv".utf8)
        } else if let own = path, own.first != UInt8(ascii: "("), own.first != UInt8(ascii: "/") {
            guard let prefix = try values("prefix", call.line).first else { return .known(22) }
            path = prefix + [UInt8(ascii: "/")] + own
        }
        let name = path ?? []
        guard let content = content(ofFile: name) else {
            if let code = exitCode(call.text, call.line), code != 0 { return .known(code) }
            throw error(
                .missingFile, call.line, Self.text(call.text),
                "its variables are not known; --file \(Self.text(name))=FILE")
        }
        if !skipsMeasurement { try open(name, call.line) }
        let signature = Array("# GRUB Environment Block\n".utf8)
        guard content.starts(with: signature) else { return .known(7) }
        for (name, value) in Self.environmentBlock(content.dropFirst(signature.count))
        where names.isEmpty || names.contains(name) {
            environment[name] = .known(value)
        }
        return .success
    }

    /// `NAME=VALUE` lines; a backslash keeps the next byte (lib/envblk.c).
    private static func environmentBlock(_ bytes: ArraySlice<UInt8>) -> [(String, [UInt8])] {
        var result: [(String, [UInt8])] = []
        var position = bytes.startIndex
        while position < bytes.endIndex {
            let start = position
            var line: [UInt8] = []
            while position < bytes.endIndex, bytes[position] != UInt8(ascii: "\n") {
                if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.endIndex { position += 1 }
                line.append(bytes[position])
                position += 1
            }
            position += 1
            guard bytes[start] != UInt8(ascii: "#"), let equals = line.firstIndex(of: UInt8(ascii: "=")) else {
                continue
            }
            result.append((text(Array(line[..<equals])), Array(line[(equals + 1)...])))
        }
        return result
    }

    // MARK: Loading

    private mutating func kernel(_ call: GRUBCall) throws(GRUBError) -> Status {
        guard let path = call.arguments.first else { return .known(18) }
        try open(path, call.line, inputs.kernel)
        isLoaded = true
        try measure(.kernelCommandLine, Self.kernelCommandLine(call.arguments), [:], call.line)
        return .success
    }

    /// Arguments as the loader joins them (lib/cmdline.c): one with a space is quoted, `\`, `'` and `"` are escaped.
    static func kernelCommandLine(_ arguments: [[UInt8]]) -> [UInt8] {
        joined(
            arguments.map { argument in
                let escaped = argument.flatMap { byte -> [UInt8] in
                    #"\'""#.utf8.contains(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
                }
                guard argument.contains(UInt8(ascii: " ")) else { return escaped }
                return [UInt8(ascii: "\"")] + escaped + [UInt8(ascii: "\"")]
            })
    }

    private mutating func initrd(_ call: GRUBCall) throws(GRUBError) -> Status {
        guard !call.arguments.isEmpty else { return .known(18) }
        guard isLoaded else { return .known(18) }
        if inputs.initrd != nil, call.arguments.count > 1 {
            throw error(
                .undecided, call.line, call.name, "loads several files; name each with --file instead of --initrd")
        }
        for argument in call.arguments {
            var path = argument
            // newc:NAME:FILE puts the file under another name into the initrd.
            if argument.starts(with: Array("newc:".utf8)) {
                guard let colon = argument.dropFirst(5).firstIndex(of: UInt8(ascii: ":")) else { return .known(18) }
                path = Array(argument[(colon + 1)...])
            }
            try open(path, call.line, inputs.initrd)
        }
        return .success
    }
}
