internal import TCGEventLog

/// What two events must share to be the same thing with another content. Rests on the log's words: it chooses what is shown
/// side by side, never what is good.
struct EventSubject: Hashable {
    private let kind: EventComponent.Kind
    private let key: String

    init(_ component: EventComponent, type: String) {
        kind = component.kind
        key =
            switch component.kind {
            case .variable, .secureBootVariable, .shimVariable, .bootOrder, .bootOption, .secureBootAuthority:
                String(component.name.prefix { $0 != " " })
            case .file, .noAction: component.name
            case .firmwareBlob: String(component.name.prefix { $0 != "," })
            case .application, .driver, .device:
                component.name.hasPrefix("image of ") ? "" : Self.withoutNumbers(component.name)
            case .bootLoaderCommand: Self.command(component.name)
            case .kernelSection, .loadOptions, .bootLoaderConfiguration: Self.withoutNumbers(component.name)
            case .action, .separator, .logHeader, .other: type
            case .kernelCommandLine, .kernelImage, .initrd, .partitionTable, .firmwareVersion,
                .firmwareConfiguration, .firmwareTables, .windowsModules, .windowsSettings, .taggedEvent:
                ""
            }
    }

    /// GRUB's `linux`, `linuxefi` and `linux16` do the same thing.
    private static func command(_ text: String) -> String {
        let word = String(text.prefix { $0 != " " })
        for name in ["linux", "initrd"] where word == name + "efi" || word == name + "16" { return name }
        return word
    }

    /// A version's digits are what an update changes in a path.
    private static func withoutNumbers(_ text: String) -> String { text.filter { !$0.isNumber } }
}
