import Appraisal
import ArgumentParser
import BootPrediction
import ByteParsing
import ReferenceValues
import TCGEventLog

struct ReferencePredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Compute the next boot's events and PCR values from the files of an update.",
        discussion: """
            Offline. The last boot's evidence is the base; what the update's files do not touch stays as it was measured. A GRUB \
            configuration is interpreted: what depends on the machine ends with an error that names line and construct, unless \
            the last boot decided the same or --set, --assume or --file say it; every such decision is listed. With \
            --references the result is a draft set with the changed events replaced, or added with --alternatives. A quote in \
            the evidence is checked; an event log alone is taken as it is, and a note says so. PCR 10 is not predicted: its \
            first entry covers PCR 0 to 9. Exit code: 0 predicted, 65 a file cannot be read, 75 it cannot be told.

            EXAMPLES
              bootgate reference predict --evidence golden/ --grub-config new/grub.cfg
              bootgate reference predict --evidence golden/ --kernel vmlinuz --initrd initrd.img --references mec.json -o json
              bootgate reference predict --evidence node/ --grub-config grub.cfg=/boot/grub/grub.cfg --file /boot/grub/grubenv=env
              bootgate reference predict --evidence node/ --shim shimx64.efi --grub grubx64.efi --variable dbx=dbxupdate.bin
            """)
    @Option(help: "The last boot: a folder, a bundle, or an event log's file.") var evidence: String
    @Option(help: ArgumentHelp("The new GRUB configuration, and its name on the node.", valueName: "FILE[=PATH]"))
    var grubConfig: String?
    @Option(name: .customLong("file"), help: ArgumentHelp("A file that the boot reads.", valueName: "PATH=FILE"))
    var files: [String] = []
    @Option(help: "The new kernel command line, without the kernel's path.") var cmdline: String?
    @Option(help: "The new shim.") var shim: String?
    @Option(help: "The new GRUB image.") var grub: String?
    @Option(help: "The new systemd-boot image.") var systemdBoot: String?
    @Option(help: "The new kernel.") var kernel: String?
    @Option(help: "The new initrd.") var initrd: String?
    @Option(help: "The new unified kernel image.") var uki: String?
    @Option(
        name: .customLong("variable"),
        help: ArgumentHelp("A Secure Boot variable's whole new content.", valueName: "PK|KEK|db|dbx=FILE"))
    var variables: [String] = []
    @Option(name: .customLong("set"), help: ArgumentHelp("A GRUB variable of the machine.", valueName: "NAME=VALUE"))
    var set: [String] = []
    @Option(
        name: .customLong("assume"),
        help: ArgumentHelp("A GRUB command's exit code, by its text after expansion.", valueName: "COMMAND=CODE"))
    var assume: [String] = []
    @Option(help: "The menu entry that starts: number, id or title; a>b in a submenu.") var entry: String?
    @Option(
        name: .customLong("section"),
        help: ArgumentHelp("Whether systemd-stub measures a section.", valueName: ".NAME=yes|no"))
    var sections: [String] = []
    @Option(help: "Print the draft of this reference set for the next boot.") var references: String?
    @Flag(help: "Keep the old events as alternatives, for the time of a change plan.") var alternatives = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if alternatives, references == nil { throw ValidationError("--alternatives goes with --references") }
        let given: [String?] = [grubConfig, cmdline, shim, grub, systemdBoot, kernel, initrd, uki]
        if given.allSatisfy({ $0 == nil }), files.isEmpty, variables.isEmpty {
            throw ValidationError("name at least one thing that changes")
        }
    }

    func run() throws {
        let (log, isQuoted) = try base()
        let update = try update()
        let predicted: PredictedBoot
        do throws(PredictionError) {
            predicted = try BootPredictor.predict(log, update)
        } catch {
            throw Self.failure(error)
        }
        guard let references else {
            let report = PredictionReport(predicted, isQuoted: isQuoted)
            return try output.write(report) { report.text }
        }
        let bytes = try InputFile.readInput(references)
        let set = try reading(references) { try ReferenceSet(parsing: bytes) }
        let draft: ReferenceSet
        do throws(PredictionError) {
            draft = try predicted.references(
                updating: set, alternatives ? .alternatives : .replace, label: "predicted from \(evidence)")
        } catch {
            throw Self.failure(error)
        }
        for decision in predicted.decisions { StandardError.write("note:  \(PredictionReport.text(decision))") }
        for note in predicted.notes { StandardError.write("note:  \(note)") }
        if !isQuoted { StandardError.write("note:  \(PredictionReport.unquoted)") }
        try output.write(draft) { ReferenceSetText.text(draft) }
    }

    private static func failure(_ error: PredictionError) -> Failure {
        switch error.code {
        case .malformed: Failure(.malformedInput, error.description)
        case .baseMismatch, .undecided: Failure(.verdictError, error.description)
        }
    }

    /// The last boot's log, and whether a quote proves it.
    private func base() throws -> (TCGEventLog, Bool) {
        if let bytes = try? InputFile.read(path: evidence), bytes.first != UInt8(ascii: "{") {
            return (try reading(evidence) { try TCGEventLog(parsing: bytes, registers: .pcrs) }, false)
        }
        let loaded = try OfflineEvidence.load(evidence)
        guard let bytes = loaded.eventLog else {
            throw Failure(.verdictError, "\(evidence): no event log to predict from")
        }
        let log = try reading(evidence) { try TCGEventLog(parsing: bytes, registers: .pcrs) }
        guard loaded.attest != nil else { return (log, false) }
        let check = QuoteCheck(loaded)
        guard let pcrs = check.pcrs, !check.findings.contains(where: { $0.tier == .contraindicated }) else {
            let reasons = check.findings.map { "\($0.id): \($0.detail)" }.joined(separator: "; ")
            throw Failure(.verdictError, "\(evidence): the quote does not verify: \(reasons)")
        }
        let outcome = log.replay(against: pcrs, covering: TCGEventLog.firmwarePCRs)
        guard outcome.replayed != nil else {
            throw Failure(
                .verdictError,
                "\(evidence): LOG_REPLAY: \(outcome.mismatches.map(\.description).joined(separator: "; "))")
        }
        return (log, true)
    }

    // MARK: The update

    private func update() throws -> BootUpdate {
        var update = BootUpdate()
        if let grubConfig {
            let (path, name) = try Self.pair(grubConfig, isValueOptional: true, "--grub-config")
            update.grubConfiguration = (name, try InputFile.read(path: path))
        }
        for file in files {
            let (name, path) = try Self.pair(file, "--file")
            update.grub.files[name] = try InputFile.read(path: path ?? "")
        }
        update.shim = try shim.map { try InputFile.read(path: $0) }
        update.grubImage = try grub.map { try InputFile.read(path: $0) }
        update.systemdBoot = try systemdBoot.map { try InputFile.read(path: $0) }
        update.unifiedKernel = try uki.map { try InputFile.read(path: $0) }
        update.grub.kernel = try kernel.map { try InputFile.read(path: $0) }
        update.grub.initrd = try initrd.map { try InputFile.read(path: $0) }
        update.commandLine = cmdline
        update.grub.entry = entry
        for text in variables {
            let (name, path) = try Self.pair(text, "--variable")
            guard let variable = SecureBootVariable(rawValue: name), variable.isSignatureDatabase else {
                throw Failure(.usage, "--variable \(name): is none of PK, KEK, db, dbx, dbt, dbr")
            }
            let bytes = try InputFile.read(path: path ?? "")
            update.variables[variable] = try reading(path ?? "") { try SignatureDatabase(parsing: bytes) }
        }
        for text in set {
            let (name, value) = try Self.pair(text, "--set")
            update.grub.variables[name] = value
        }
        for text in assume {
            guard let equals = text.lastIndex(of: "="), let code = Int(text[text.index(after: equals)...]) else {
                throw Failure(.usage, "--assume \(text): needs COMMAND=CODE")
            }
            update.grub.exitCodes[String(text[..<equals])] = code
        }
        for text in sections {
            let (name, value) = try Self.pair(text, "--section")
            guard value == "yes" || value == "no" else { throw Failure(.usage, "--section \(text): needs yes or no") }
            update.measuredSections[name] = value == "yes"
        }
        return update
    }

    private static func pair(
        _ text: String, isValueOptional: Bool = false, _ option: String
    ) throws -> (String, String?) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            guard isValueOptional else { throw Failure(.usage, "\(option) \(text): needs NAME=VALUE") }
            return (text, nil)
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
}
