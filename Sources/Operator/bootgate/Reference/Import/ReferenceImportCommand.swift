import ArgumentParser
import ReferenceValues

struct ReferenceImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make or extend a draft from packages, folders, lists and Keylime's policies.",
        discussion: """
            Offline; prints the draft, and nothing is approved by it. With --into an existing set is extended; without, a \
            set of what was imported alone is made.

            Files that a machine may run go into the section runtime, path and SHA-256 of each: --ima-list, --directory \
            (a machine's root, unless --below says where the folder lies there), --deb (unpacked by dpkg-deb, with the \
            scripts that dpkg runs), --rpm (checked by rpmkeys and unpacked by bsdtar; files of /bin, /sbin and /lib of \
            packages are listed under /usr too), --keylime-runtime-policy. A set without the layer runtime gets it, required.

            Boot components become alternatives of the rules for registers: --components takes files and folders (of an \
            unpacked package: dpkg-deb -x PACKAGE DIR), the Authenticode digest of EFI images and kernels, the content's \
            digest of kernels and initrds; --keylime-mb-refstate takes Keylime's measured boot reference state.

            What does not carry over exactly is left out and named on standard error.

            EXAMPLES
              bootgate reference import --ima-list /sys/kernel/security/ima/binary_runtime_measurements -o json > set.json
              bootgate reference import app --group mec --directory /srv/rootfs -o json > set.json
              bootgate reference import --into set.json --deb agent.deb --keylime-runtime-policy policy.json -o json
              bootgate reference import --components shim/ grub/ kernel/ --into mec.json -o json > mec-next.json
              bootgate reference import mec --keylime-mb-refstate refstate.json -o json > mec.json
            """)
    @Argument(help: "The new set's name.") var name: String?
    @Option(help: "The group that the new set is for.") var group: String?
    @Option(help: "An existing set to extend.") var into: String?
    @OptionGroup(title: "Files") var files: FileImport
    @OptionGroup(title: "Boot components") var components: ComponentImportOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if files.isEmpty, components.isEmpty {
            throw ValidationError(
                "name at least one of --ima-list, --directory, --deb, --rpm, --keylime-runtime-policy, "
                    + "--components and --keylime-mb-refstate")
        }
        if into != nil, name != nil || group != nil {
            throw ValidationError("--into keeps the set's own name and group")
        }
    }

    func run() throws {
        var base: ReferenceSet?
        if let into {
            let bytes = try InputFile.readInput(into)
            base = try reading(into) { try ReferenceSet(parsing: bytes) }
        }
        let name = name ?? "imported"
        let group = group ?? "default"
        if !components.isEmpty { base = try components.draft(into: base, name: name, group: group) }
        var set =
            base
            ?? ReferenceSet(
                name: name, group: group, provenance: [], banks: ["sha256"],
                layers: [ReferenceSet.LayerRule(id: .tpmIdentity)], pcrs: [])
        if !files.isEmpty { try files.add(to: &set) }
        let problems = set.lint()
        guard problems.isEmpty else {
            throw Failure(.malformedInput, problems.map(\.description).joined(separator: "\n"))
        }
        try output.write(set) { ReferenceSetText.text(set) }
    }
}
