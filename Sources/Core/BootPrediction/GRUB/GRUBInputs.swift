internal import TPMStructures

/// What interpreting a configuration may rest on: contents of files, and what only the machine knows.
public struct GRUBInputs: Sendable {
    /// Contents by the name under which GRUB opens them: `(hd0,gpt1)/boot/grub/grub.cfg`, or the path alone for any device.
    public var files: [String: [UInt8]] = [:]
    /// The kernel and the initrd that the chosen entry loads, whatever their names.
    public var kernel: [UInt8]?
    public var initrd: [UInt8]?
    /// Variables that firmware, disks or an environment block set.
    public var variables: [String: String] = [:]
    /// Exit codes by a command's text as measured (`[ -e /boot/x ]`): 0 is true.
    public var exitCodes: [String: Int] = [:]
    /// The menu entry that starts: its number, id or title, `a>b` inside a submenu. nil: what the configuration chooses.
    public var entry: String?

    public init() {}
}

/// One event that GRUB causes: the measured text or file with its digest in each bank.
struct GRUBMeasurement: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case command, kernelCommandLine, file }
    var kind: Kind
    /// The text that is measured, or the file's name.
    var text: [UInt8]
    /// Of a file's content; of a text empty: its digest follows from it.
    var digests: [PCRBank: Digest]

    /// The event's data as GRUB writes it (grub-core/commands/tpm.c), with the terminating NUL.
    var data: [UInt8] {
        let prefix =
            switch kind {
            case .command: "grub_cmd: "
            case .kernelCommandLine: "kernel_cmdline: "
            case .file: ""
            }
        return Array(prefix.utf8) + text + [0]
    }
    /// GRUB_STRING_PCR, GRUB_BINARY_PCR.
    var pcr: UInt32 { kind == .file ? 9 : 8 }
}

/// What was decided on the strength of the last boot or of an operator's word, and not from the configuration alone.
public struct PredictionDecision: Hashable, Sendable, Codable {
    public enum Source: String, Hashable, Sendable, Codable {
        case lastBoot = "last-boot"
        case operatorWord = "operator"
    }
    public var file: String
    public var line: Int
    /// The command as measured.
    public var command: String
    public var exitCode: Int
    public var source: Source
}

/// The part of the last boot's log that says what GRUB did: commands in order, and the files that each of them read.
struct GRUBHistory: Sendable {
    struct File: Hashable, Sendable {
        var name: String
        var digests: [PCRBank: Digest]
    }
    struct Step: Hashable, Sendable {
        var command: [UInt8]
        var files: [File]
    }

    var steps: [Step] = []
    /// Digests by name; of a file that was read twice with different content nothing.
    private(set) var files: [String: [PCRBank: Digest]] = [:]
    private var ambiguous: Set<String> = []

    mutating func add(_ file: File) {
        if !steps.isEmpty { steps[steps.count - 1].files.append(file) }
        if let known = files[file.name], known != file.digests { ambiguous.insert(file.name) }
        files[file.name] = ambiguous.contains(file.name) ? nil : file.digests
    }

    /// The step of the `number`th time (from 0) that the command ran, and the command behind it.
    func step(_ command: [UInt8], _ number: Int) -> (step: Step, next: [UInt8]?)? {
        var left = number
        for (index, step) in steps.enumerated() where step.command == command {
            if left == 0 { return (step, index + 1 < steps.count ? steps[index + 1].command : nil) }
            left -= 1
        }
        return nil
    }
}
