internal import Appraisal
internal import TCGEventLog
internal import TPMCryptography
internal import TPMStructures

/// GRUB's part of the last boot, cut where the configuration that is interpreted anew begins.
struct GRUBStage {
    struct Event {
        var index: Int
        var measurement: GRUBMeasurement
    }

    /// The configuration's name as GRUB opens it.
    let configuration: String
    /// Its own file events.
    private let opening: [Event]
    /// What GRUB did before, and from the configuration on.
    private let before: [Event]
    private let after: [Event]
    private let banks: [PCRBank]

    /// - Parameter name: The configuration; nil: the last `grub.cfg` that was read.
    init(_ log: TCGEventLog, configuration name: String?) throws(PredictionError) {
        var events: [Event] = []
        for event in log.events where event.isExtended && event.untrustedEventType == .ipl {
            guard event.registerIndex == 8 || event.registerIndex == 9 else { continue }
            events.append(Event(index: event.index, measurement: try Self.measurement(event, log.banks)))
        }
        let names = events.filter { $0.measurement.kind == .file }.map {
            String(decoding: $0.measurement.text, as: UTF8.self)
        }
        let chosen = names.last { logged in
            name.map { Self.isSame(logged, $0) } ?? logged.hasSuffix("grub.cfg")
        }
        guard let chosen
        else {
            throw PredictionError(
                .baseMismatch,
                "the last boot's PCR 9 shows no \(name ?? "grub.cfg"); name the configuration as it stands there: "
                    + names.prefix(8).joined(separator: ", "))
        }
        let text = Array(chosen.utf8)
        var start = events.firstIndex { $0.measurement.kind == .file && $0.measurement.text == text } ?? 0
        before = Array(events[..<start])
        var opening: [Event] = []
        while start < events.count, events[start].measurement.kind == .file, events[start].measurement.text == text {
            opening.append(events[start])
            start += 1
        }
        configuration = chosen
        self.opening = opening
        after = Array(events[start...])
        banks = log.banks
    }

    private static func isSame(_ logged: String, _ given: String) -> Bool {
        logged == given || !given.hasPrefix("(") && GRUBInterpreter.withoutDevice(logged) == given
    }

    private static func measurement(_ event: TCGPCREvent2, _ banks: [PCRBank]) throws(PredictionError)
        -> GRUBMeasurement
    {
        let data = event.data
        let digests = Dictionary(event.digests.map { ($0.algorithm, $0) }) { first, _ in first }
        guard data.last == 0 else {
            throw PredictionError(.baseMismatch, "event \(event.index) is not one of GRUB 2.04 or later")
        }
        let text = data.dropLast()
        if event.registerIndex == 9 { return GRUBMeasurement(kind: .file, text: Array(text), digests: digests) }
        for (prefix, kind) in [("grub_cmd: ", GRUBMeasurement.Kind.command), ("kernel_cmdline: ", .kernelCommandLine)]
        where text.starts(with: Array(prefix.utf8)) {
            let measured = Array(text.dropFirst(prefix.utf8.count))
            guard banks.allSatisfy({ MessageDigest.hash(measured, $0) == digests[$0] }) else {
                throw PredictionError(.baseMismatch, "event \(event.index): the digest is not the text's")
            }
            return GRUBMeasurement(kind: kind, text: measured, digests: [:])
        }
        throw PredictionError(
            .baseMismatch, "event \(event.index) of PCR 8 is neither a command nor a command line of GRUB 2.04 or later"
        )
    }

    /// What the last boot tells about the machine, for the interpreter.
    var history: GRUBHistory {
        var history = GRUBHistory()
        for event in before + opening where event.measurement.kind == .file {
            history.add(.init(name: GRUBInterpreter.text(event.measurement.text), digests: event.measurement.digests))
        }
        for event in after {
            switch event.measurement.kind {
            case .command: history.steps.append(.init(command: event.measurement.text, files: []))
            case .file:
                history.add(
                    .init(name: GRUBInterpreter.text(event.measurement.text), digests: event.measurement.digests))
            case .kernelCommandLine: break
            }
        }
        return history
    }

    /// Runs the configuration from the state that the last boot had reached before it.
    func interpret(
        _ content: [UInt8], _ inputs: GRUBInputs
    ) throws(PredictionError) -> GRUBInterpreter {
        let isARM = before.contains { GRUBInterpreter.text($0.measurement.text).contains("arm64-efi") }
        var interpreter = GRUBInterpreter(
            inputs, history, banks: banks, cpu: isARM ? "arm64" : "x86_64", file: configuration)
        prepare(&interpreter)
        do throws(GRUBError) {
            var outcome = try interpreter.run(GRUBSource(configuration, content, isFile: true))
            if outcome != .booted, !interpreter.environment.menu.isEmpty { outcome = try interpreter.showMenu() }
            guard outcome == .booted else {
                throw GRUBError(
                    kind: .undecided, file: configuration, line: 1, construct: "configuration",
                    reason: "ends without starting a kernel")
            }
        } catch {
            throw PredictionError(error)
        }
        return interpreter
    }

    private func prepare(_ interpreter: inout GRUBInterpreter) {
        let commands = before.filter { $0.measurement.kind == .command }.map {
            GRUBInterpreter.text($0.measurement.text)
        }
        let path = Array(configuration.utf8)
        var values: [(String, GRUBEnvironment.Value)] = []
        // Debian's image begins with a test of the prefix that it was started with; GRUB alone opens $prefix/grub.cfg.
        let first = commands.first?.split(separator: " ").map(String.init) ?? []
        var prefix: [UInt8]?
        if first.count == 8, first[0] == "[", first[1] == "-z", first[4] == "!", first[2] == first[6] {
            prefix = Array(first[2].utf8)
        } else if commands.isEmpty, let slash = path.lastIndex(of: UInt8(ascii: "/")) {
            prefix = Array(path[..<slash])
        }
        if let prefix {
            values.append(("prefix", .known(prefix)))
            if prefix.first == UInt8(ascii: "("), let end = prefix.firstIndex(of: UInt8(ascii: ")")) {
                values.append(("root", .known(Array(prefix[1..<end]))))
            }
        }
        for command in commands { values += Self.effects(of: command) }
        for (name, value) in values { interpreter.environment[name] = value }
        for command in commands where command.hasPrefix("export ") {
            for name in command.split(separator: " ").dropFirst() { interpreter.environment.export(String(name)) }
        }
        // An operator's word stands above what the log shows.
        for (name, value) in interpreter.inputs.variables { interpreter.environment[name] = .known(Array(value.utf8)) }
        if commands.last?.hasPrefix("configfile ") == true { interpreter.environment.open() }
        interpreter.enter(path)
    }

    /// What a command of the last boot left in the environment.
    private static func effects(of command: String) -> [(String, GRUBEnvironment.Value)] {
        let words = command.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let unknown = GRUBEnvironment.Value.unknown("'\(command)' set it from the machine")
        switch words.first {
        case "set" where words.count >= 2:
            guard let equals = words[1].firstIndex(of: "=") else { return [] }
            let value = words[1][words[1].index(after: equals)...]
            return [(String(words[1][..<equals]), words.count == 2 ? .known(Array(value.utf8)) : unknown)]
        case "search":
            let set = words.first { $0.hasPrefix("--set") || $0 == "-s" }
            guard let set else { return [] }
            return [(set.hasPrefix("--set=") ? String(set.dropFirst(6)) : "root", unknown)]
        case "search.fs_uuid"?, "search.fs_label"?, "search.file"?:
            return words.count > 2 ? [(words[2], unknown)] : []
        case let word?:
            guard words.count == 1, let equals = word.firstIndex(of: "=") else { return [] }
            return [(String(word[..<equals]), .known(Array(word[word.index(after: equals)...].utf8)))]
        case nil: return []
        }
    }

    // MARK: Into the log

    /// Puts the interpreted measurements in the place of the last boot's.
    func apply(_ content: [UInt8], _ measurements: [GRUBMeasurement], to records: inout PredictedRecords) {
        for event in opening { records.change(event.index, records.hash(content)) }
        let pairs = SequenceAlignment.pairs(measurements.count, after.count) { new, old in
            measurements[new] == after[old].measurement
        }
        var (new, old) = (0, 0)
        for (nextNew, nextOld) in pairs + [(measurements.count, after.count)] {
            var open = Array(after[old..<nextOld])
            for measurement in measurements[new..<nextNew] {
                let digests = measurement.kind == .file ? measurement.digests : records.hash(measurement.text)
                if let like = open.firstIndex(where: { Self.isLike($0.measurement, measurement) }) {
                    for event in open[..<like] { records.remove(event.index) }
                    records.change(open[like].index, digests, data: measurement.data)
                    open.removeFirst(like + 1)
                } else {
                    let next = open.first ?? (nextOld < after.count ? after[nextOld] : nil)
                    records.insert(
                        .init(register: measurement.pcr, type: .ipl, digests: digests, data: measurement.data),
                        before: next?.index ?? behind)
                }
            }
            for event in open { records.remove(event.index) }
            (new, old) = (nextNew + 1, nextOld + 1)
        }
    }

    /// The record behind GRUB's last one: what the kernel's stub and firmware measure at the end stays at the end.
    private var behind: Int? { (after.last ?? opening.last).map { $0.index + 1 } }

    /// Whether the one takes the other's place: the same file, a command line, the same command.
    private static func isLike(_ old: GRUBMeasurement, _ new: GRUBMeasurement) -> Bool {
        guard old.kind == new.kind else { return false }
        switch new.kind {
        case .kernelCommandLine: return true
        case .file: return old.text == new.text
        case .command:
            let space = UInt8(ascii: " ")
            return old.text.prefix { $0 != space } == new.text.prefix { $0 != space }
        }
    }

    /// The kernel's command line of the last boot, with the kernel's path.
    var commandLines: [Event] { after.filter { $0.measurement.kind == .kernelCommandLine } }
    var commands: [Event] { after.filter { $0.measurement.kind == .command } }
    var files: [Event] { after.filter { $0.measurement.kind == .file } }
}
