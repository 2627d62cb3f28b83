/// Tags of EV_EVENT_TAG records that boot loaders of Linux write. Their digest covers the content that the tag names, the
/// record's text is a description.
enum LinuxTag: UInt32, CaseIterable {
    /// Linux' EFI stub (drivers/firmware/efi/libstub).
    case initrd = 0x8F3B_22EC
    case loadOptions = 0x8F3B_22ED
    /// systemd-boot: loader.conf, PCR 5.
    case loaderConfiguration = 0xF5BC_582A
    /// systemd-stub: PCR 12.
    case deviceTreeAddon = 0x6C46_F751
    case initrdAddon = 0x49DF_FE0F
    case microcodeAddon = 0xDAC0_8E1A
    case profile = 0x13AE_D6DB

    var component: EventComponent.Kind {
        switch self {
        case .initrd, .initrdAddon, .microcodeAddon: .initrd
        case .loadOptions: .loadOptions
        case .loaderConfiguration: .bootLoaderConfiguration
        case .deviceTreeAddon, .profile: .kernelSection
        }
    }

    /// What the record's own text is shown behind; nil where the text says it all.
    var title: String? {
        switch self {
        case .initrd, .loadOptions: nil
        case .loaderConfiguration: "systemd-boot configuration"
        case .deviceTreeAddon: "device tree add-on"
        case .initrdAddon: "initrd add-on"
        case .microcodeAddon: "microcode add-on"
        case .profile: "UKI profile"
        }
    }
}
