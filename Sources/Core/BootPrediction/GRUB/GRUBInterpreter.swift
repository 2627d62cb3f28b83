internal import TPMCryptography
internal import TPMStructures

/// Executes a configuration the way GRUB 2.06 does, as far as it decides what is measured: every executed command with its
/// arguments after expansion, every file that is opened, the kernel's command line. Pure: no file is read, nothing is run.
///
/// What depends on the machine is unknown until something needs it; then the operator's word, the last boot or an error
/// decides. Ends when a kernel is started.
struct GRUBInterpreter {
    enum Status: Hashable, Sendable {
        case known(Int)
        /// Of this command, as measured.
        case unknown([UInt8])
        static let success = Status.known(0)
    }

    enum Outcome: Hashable {
        case done(Status)
        case leave(loops: Int)
        case proceed(loops: Int)
        case returned(Status)
        case booted

        var endsList: Bool { if case .done = self { false } else { true } }
    }

    /// A real configuration executes a few hundred commands.
    static let maximumCommands = 20_000
    static let maximumCalls = 64
    /// Bounds what menu entries, which hold their own text, add up to.
    static let maximumMeasuredBytes = 16 << 20

    let inputs: GRUBInputs
    let banks: [PCRBank]
    let history: GRUBHistory
    var environment: GRUBEnvironment
    /// `$1`, …; nil outside of functions and entries.
    var scope: [[UInt8]]?
    var lastStatus = Status.success
    var functions: [String: (file: String, body: [GRUBCommand])] = [:]
    var measurements: [GRUBMeasurement] = []
    var decisions: [PredictionDecision] = []
    var loadedModules: Set<[UInt8]> = []
    var isLoaded = false
    /// Configuration that executes: for errors.
    var file: String
    private var executed = 0
    private var calls = 0
    private var measuredBytes = 0
    private var runs: [[UInt8]: Int] = [:]
    /// What follows the command in execution, innermost last.
    private var continuations: [GRUBCommand?] = []

    init(_ inputs: GRUBInputs, _ history: GRUBHistory, banks: [PCRBank], cpu: String, file: String) {
        self.inputs = inputs
        self.history = history
        self.banks = banks
        self.file = file
        environment = GRUBEnvironment(cpu: cpu)
        for (name, value) in inputs.variables { environment[name] = .known(Array(value.utf8)) }
    }

    func error(_ kind: GRUBError.Kind, _ line: Int, _ construct: String, _ reason: String) -> GRUBError {
        GRUBError(kind: kind, file: file, line: line, construct: construct, reason: reason)
    }

    /// How often the command ran before.
    func runsBefore(_ command: [UInt8]) -> Int { max(0, runs[command, default: 0] - 1) }

    // MARK: Measuring

    mutating func measure(
        _ kind: GRUBMeasurement.Kind, _ text: [UInt8], _ digests: [PCRBank: Digest], _ line: Int
    ) throws(GRUBError) {
        measuredBytes += text.count
        guard measuredBytes <= Self.maximumMeasuredBytes else {
            throw error(.limit, line, "configuration", "measures more than \(Self.maximumMeasuredBytes) bytes of text")
        }
        measurements.append(GRUBMeasurement(kind: kind, text: text, digests: digests))
    }

    /// A file's digests: of the content that was given, else as the last boot measured the same name.
    func digests(ofFile name: [UInt8]) -> [PCRBank: Digest]? {
        if let content = content(ofFile: name) { return digests(of: content) }
        return history.files[Self.text(name)]
    }

    func digests(of content: [UInt8]) -> [PCRBank: Digest] {
        Dictionary(banks.map { ($0, MessageDigest.hash(content, $0)) }) { first, _ in first }
    }

    func content(ofFile name: [UInt8]) -> [UInt8]? {
        let text = Self.text(name)
        return inputs.files[text] ?? inputs.files[Self.withoutDevice(text)]
    }

    static func withoutDevice(_ name: String) -> String {
        guard name.hasPrefix("("), let end = name.firstIndex(of: ")") else { return name }
        return String(name[name.index(after: end)...])
    }

    mutating func open(_ name: [UInt8], _ line: Int, _ content: [UInt8]? = nil) throws(GRUBError) {
        guard let digests = content.map({ digests(of: $0) }) ?? digests(ofFile: name) else {
            throw error(
                .missingFile, line, Self.text(name),
                "its content is not given, and the last boot did not read it; --file \(Self.text(name))=FILE")
        }
        try measure(.file, name, digests, line)
    }

    // MARK: Sources

    /// Runs a text line by line.
    mutating func run(_ source: GRUBSource) throws(GRUBError) -> Outcome {
        calls += 1
        let outer = file
        file = source.name
        defer {
            file = outer
            calls -= 1
        }
        guard calls <= Self.maximumCalls else {
            throw error(
                .limit, 1, "source", "more than \(Self.maximumCalls) configurations or functions inside each other")
        }
        var parser = try GRUBParser(source)
        var line = try parser.nextLine()
        var status = Status.success
        while let statements = line {
            // A syntax error counts only when GRUB reaches it.
            var failure: GRUBError?
            var following: [GRUBStatement]?
            do throws(GRUBError) { following = try parser.nextLine() } catch { failure = error }
            for statement in statements {
                if case .function(let name, let body) = statement { functions[name] = (source.name, body) }
            }
            let commands = statements.compactMap { if case .command(let command) = $0 { command } else { nil } }
            var next: GRUBCommand?
            for case .command(let command) in following?.prefix(1) ?? [] { next = command }
            continuations.append(next)
            let outcome = try run(commands)
            continuations.removeLast()
            switch outcome {
            case .done(let result): status = result
            case .leave, .proceed: break
            case .returned, .booted: return outcome
            }
            if let failure { throw failure }
            line = following
        }
        return .done(status)
    }

    mutating func run(_ commands: [GRUBCommand]) throws(GRUBError) -> Outcome {
        var status = Status.success
        for (index, command) in commands.enumerated() {
            continuations.append(index + 1 < commands.count ? commands[index + 1] : nil)
            let outcome = try execute(command)
            continuations.removeLast()
            guard case .done(let result) = outcome else { return outcome }
            status = result
            lastStatus = result
        }
        return .done(status)
    }

    // MARK: Commands

    private mutating func execute(_ command: GRUBCommand) throws(GRUBError) -> Outcome {
        switch command {
        case .simple(let words, let block, let line): return try simple(words, block, line)
        case .conditional(let branches, let otherwise, _):
            for (index, branch) in branches.enumerated() {
                let outcome = try run(branch.condition)
                if outcome.endsList { return outcome }
                let alternative = index + 1 < branches.count ? branches[index + 1].condition : otherwise
                if try decide(branch, alternative) { return try run(branch.body) }
            }
            return otherwise.isEmpty ? .done(.success) : try run(otherwise)
        case .loop(let variable, let words, let body, _):
            var status = Status.success
            for argument in try expand(words, nil) {
                environment[variable] = .known(argument)
                switch try run(body) {
                case .done(let result): status = result
                case .leave(let loops): return loops > 1 ? .leave(loops: loops - 1) : .done(status)
                case .proceed(let loops): if loops > 1 { return .proceed(loops: loops - 1) }
                case .returned(let result): return .returned(result)
                case .booted: return .booted
                }
            }
            return .done(status)
        case .repeated(let condition, let body, let until, let line):
            while true {
                try count(line)
                let outcome = try run(condition)
                if outcome.endsList { return outcome }
                guard case .known(let code) = lastStatus else {
                    throw error(.undecided, line, until ? "until" : "while", "its condition is not known")
                }
                guard (code == 0) != until else { return .done(.known(code)) }
                switch try run(body) {
                case .done: break
                case .leave(let loops): return loops > 1 ? .leave(loops: loops - 1) : .done(.success)
                case .proceed(let loops): if loops > 1 { return .proceed(loops: loops - 1) }
                case .returned(let result): return .returned(result)
                case .booted: return .booted
                }
            }
        }
    }

    private mutating func count(_ line: Int) throws(GRUBError) {
        executed += 1
        guard executed <= Self.maximumCommands else {
            throw error(.limit, line, "configuration", "executes more than \(Self.maximumCommands) commands")
        }
    }

    /// Whether the branch is taken, by the exit code of what ran last.
    private mutating func decide(
        _ branch: GRUBCommand.Branch, _ alternative: [GRUBCommand]
    ) throws(GRUBError) -> Bool {
        let text: [UInt8]
        switch lastStatus {
        case .known(let code): return code == 0
        case .unknown(let command): text = command
        }
        let line = Self.line(of: branch.condition.last)
        // The last boot ran the same command: what it ran next tells how it ended, where the two ways begin differently.
        if let next = history.step(text, runsBefore(text))?.next, let taken = first(branch.body) {
            let other = alternative.isEmpty ? continuation : first(alternative)
            if let other, taken != other, next == taken || next == other {
                let exitCode = next == taken ? 0 : 1
                decisions.append(
                    PredictionDecision(
                        file: file, line: line, command: Self.text(text), exitCode: exitCode, source: .lastBoot))
                lastStatus = .known(exitCode)
                return exitCode == 0
            }
        }
        throw error(
            .undecided, line, Self.text(text),
            "its exit code depends on the machine; --assume '\(Self.text(text))=0' (true) or =1 (false) says it")
    }

    /// The first command that a list would run, as measured, where that can be told.
    private func first(_ commands: [GRUBCommand]) -> [UInt8]? {
        switch commands.first {
        case .simple(let words, let block, _)?: (try? expand(words, block)).map(Self.joined)
        case .conditional(let branches, _, _)?: branches.first.flatMap { first($0.condition) }
        case .repeated(let condition, _, _, _)?: first(condition)
        case .loop?, nil: nil
        }
    }

    private var continuation: [UInt8]? {
        for case let command? in continuations.reversed() { return first([command]) }
        return nil
    }

    static func line(of command: GRUBCommand?) -> Int {
        switch command {
        case .simple(_, _, let line)?, .conditional(_, _, let line)?, .loop(_, _, _, let line)?,
            .repeated(_, _, _, let line)?:
            line
        case nil: 1
        }
    }

    private mutating func simple(
        _ words: [GRUBWord], _ block: GRUBBlock?, _ line: Int
    ) throws(GRUBError) -> Outcome {
        try count(line)
        let arguments = try expand(words, block)
        guard !arguments.isEmpty else { return .done(lastStatus) }
        let text = Self.joined(arguments)
        try measure(.command, text, [:], line)
        runs[text, default: 0] += 1
        let start = measurements.count
        guard arguments[0] == [UInt8(ascii: "!")] else {
            let number = runsBefore(text)
            let outcome = try dispatch(arguments, text, block, line)
            // A theme, for instance, is read when the menu is drawn, behind the last command before it.
            if let file = history.step(text, number)?.step.files.first,
                !measurements[start...].contains(where: { $0.kind == .file })
            {
                throw error(
                    .unsupported, line, Self.text(text),
                    "the last boot read \(file.name) here, and nothing says why it will again")
            }
            return outcome
        }
        guard arguments.count > 1 else { return .done(.known(1)) }
        let outcome = try dispatch(Array(arguments.dropFirst()), text, block, line)
        guard case .done(let status) = outcome else { return outcome }
        // GRUB turns a failure other than a test's into success as well (script/execute.c, `invert`).
        if case .known(let code) = status { return .done(.known(code == 0 ? 1 : 0)) }
        guard let told = exitCode(Array(text.dropFirst(2)), line) else { return outcome }
        return .done(.known(told == 0 ? 1 : 0))
    }

    /// What the operator says about a command.
    mutating func exitCode(_ command: [UInt8], _ line: Int) -> Int? {
        guard let code = inputs.exitCodes[Self.text(command)] else { return nil }
        decisions.append(
            PredictionDecision(
                file: file, line: line, command: Self.text(command), exitCode: code, source: .operatorWord))
        return code
    }

    private mutating func dispatch(
        _ arguments: [[UInt8]], _ text: [UInt8], _ block: GRUBBlock?, _ line: Int
    ) throws(GRUBError) -> Outcome {
        let name = Self.text(arguments[0])
        let call = GRUBCall(name: name, arguments: Array(arguments.dropFirst()), text: text, block: block, line: line)
        if let outcome = try builtIn(call) {
            guard case .done(.unknown) = outcome, let code = exitCode(text, line) else { return outcome }
            return .done(.known(code))
        }
        if let function = functions[name] {
            calls += 1
            let (outerScope, outerFile) = (scope, file)
            (scope, file) = (call.arguments, function.file)
            defer {
                (scope, file) = (outerScope, outerFile)
                calls -= 1
            }
            guard calls <= Self.maximumCalls else {
                throw error(.limit, line, name, "more than \(Self.maximumCalls) functions inside each other")
            }
            let outcome = try run(function.body)
            switch outcome {
            case .returned(let status): return .done(status)
            case .leave, .proceed: return .done(.success)
            case .done, .booted: return outcome
            }
        }
        if let equals = arguments[0].firstIndex(of: UInt8(ascii: "=")) {
            try assign(Self.text(Array(arguments[0][..<equals])), Array(arguments[0][(equals + 1)...]), call)
            return .done(.success)
        }
        if let code = exitCode(text, line) { return .done(.known(code)) }
        throw error(
            .undecided, line, name,
            "neither a function of the configuration nor a command whose effect is known; --assume '\(Self.text(text))=0'"
        )
    }
}

/// One command as it runs.
struct GRUBCall {
    var name: String
    var arguments: [[UInt8]]
    /// As measured.
    var text: [UInt8]
    var block: GRUBBlock?
    var line: Int
}
