/// What a boot loader says about an EV_IPL event (or EV_EVENT_TAG of Linux's EFI stub). The words are the loader's, the
/// specification leaves them open; only commands and command lines have digests that cover them.
public enum BootLoaderEvent: Hashable, Sendable {
    /// GRUB, `grub_cmd: …` (RHEL 8: `grub_cmd …`): a command as executed. Digest over the text behind the prefix.
    case command(String)
    /// GRUB, `kernel_cmdline: …` (RHEL 8: `grub_kernel_cmdline …`); systemd-boot and systemd-stub, UTF-16 text. Digest over the text.
    case kernelCommandLine(String)
    /// GRUB, `module_cmdline: …`: a multiboot or Xen module with its arguments. Digest over the text.
    case moduleCommandLine(String)
    /// GRUB, a path (RHEL 8: `grub_linuxefi Kernel`, `… Initrd`): a file that was read. Digest over the file's content.
    case file(String)
    /// shim, `MokList`, `SbatLevel`, …: a variable of shim's. Digest over its content.
    case shimVariable(String)
    /// systemd-stub, `.linux`, `.cmdline`, …: a section of a unified kernel image. Two events each: the name, the content.
    case section(String)
    /// Linux's EFI stub: the load options, or the initrd. Digest over their content.
    case stub(String)
    /// systemd-boot and systemd-stub, EV_EVENT_TAG: a configuration, an add-on, a profile, with its file's name. Digest over
    /// the content.
    case addon(EventComponent.Kind, String)
    /// Other text.
    case text(String)

    /// GRUB 2.04 and later; without a colon, Red Hat's GRUB of RHEL 8.
    private static let commandPrefixes = prefixes("grub_cmd: ", "grub_cmd ")
    private static let kernelPrefixes = prefixes("kernel_cmdline: ", "grub_kernel_cmdline ")
    private static let modulePrefixes = prefixes("module_cmdline: ")
    private static func prefixes(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }

    /// How many bytes precede the text that GRUB measures; nil for other events.
    static func prefixLength(_ data: ArraySlice<UInt8>) -> Int? {
        (commandPrefixes + kernelPrefixes + modulePrefixes).first { data.starts(with: $0) }?.count
    }

    /// nil for binary data.
    init?(_ data: ArraySlice<UInt8>) {
        if let text = Self.text(data, after: Self.commandPrefixes) {
            self = .command(text)
        } else if let text = Self.text(data, after: Self.kernelPrefixes) {
            self = .kernelCommandLine(text)
        } else if let text = Self.text(data, after: Self.modulePrefixes) {
            self = .moduleCommandLine(text)
        } else if let name = Self.shimVariable(data) {
            self = .shimVariable(name)
        } else if LogText.looksLikeASCII(data) {
            let text = LogText.utf8(data)
            self = Self.isFile(text) ? .file(text) : .text(text)
        } else if LogText.looksLikeUTF16(data.count % 2 == 0 ? data : data.dropLast()) {
            let text = LogText.utf16(data)
            self = text.hasPrefix(".") && !text.contains(" ") ? .section(text) : .kernelCommandLine(text)
        } else {
            return nil
        }
    }

    private static func isFile(_ text: String) -> Bool {
        text.hasPrefix("/") || text.hasPrefix("(")
            || text.hasPrefix("grub_") && (text.hasSuffix(" Kernel") || text.hasSuffix(" Initrd"))
    }

    private static func text(_ data: ArraySlice<UInt8>, after prefixes: [[UInt8]]) -> String? {
        prefixes.first { data.starts(with: $0) }.map { LogText.utf8(data.dropFirst($0.count)) }
    }

    private static let shimNames = [
        "MokListTrusted", "MokListTrustedRT", "MokListX", "MokListXRT", "MokListRT", "MokList", "MokSBStateRT",
        "MokSBState", "MokDBState", "MokIgnoreDB", "MokPolicy", "MokTimeout", "SbatLevelRT", "SbatLevel", "Shim",
        "HSIStatus", "MokPWStore", "MokAuth", "MokNew", "MokDel",
    ]

    /// Old shims log one byte of memory behind the name's NUL, or instead of it.
    private static func shimVariable(_ data: ArraySlice<UInt8>) -> String? {
        shimNames.filter { name in
            let behind = data.dropFirst(name.utf8.count)
            return data.starts(with: name.utf8) && (behind.count <= 1 || behind.count == 2 && behind.first == 0)
        }.max { $0.utf8.count < $1.utf8.count }
    }
}
