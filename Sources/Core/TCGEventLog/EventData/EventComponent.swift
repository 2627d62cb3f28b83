/// What an event is about, in words an operator knows: the "thing" that a diagnosis names.
public struct EventComponent: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case logHeader = "log-header"
        case noAction = "no-action"
        case separator
        case action
        case firmwareVersion = "firmware-version"
        case firmwareBlob = "firmware-blob"
        case firmwareConfiguration = "firmware-configuration"
        case firmwareTables = "firmware-tables"
        case variable
        case secureBootVariable = "secure-boot-variable"
        case secureBootAuthority = "secure-boot-authority"
        case bootOrder = "boot-order"
        case bootOption = "boot-option"
        case driver
        case application
        case partitionTable = "partition-table"
        case bootLoaderCommand = "boot-loader-command"
        case kernelCommandLine = "kernel-command-line"
        case kernelImage = "kernel-image"
        case initrd
        case file
        case shimVariable = "shim-variable"
        case kernelSection = "kernel-section"
        case loadOptions = "load-options"
        case bootLoaderConfiguration = "boot-loader-configuration"
        case windowsModules = "windows-modules"
        case windowsSettings = "windows-settings"
        case taggedEvent = "tagged-event"
        case device
        case other
    }

    public let kind: Kind
    /// Control characters escaped. For a variable its name, for a file its path, for a command its text.
    public let name: String

    init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = LogText.escape(name)
    }

    public var description: String { name.isEmpty ? kind.rawValue : "\(kind.rawValue) \(name)" }
}

extension TCGPCREvent2 {
    /// Rests on type and data, which nothing covers unless ``dataVerified`` is true: for diagnosis, never for a decision.
    public var component: EventComponent {
        guard let decoded = try? decoded() else { return EventComponent(.other, untrustedEventType.description) }
        switch decoded {
        case .specID: return EventComponent(.logHeader, "Spec ID Event03")
        case .startupLocality(let value): return EventComponent(.noAction, "StartupLocality \(value)")
        case .noAction(let signature): return EventComponent(.noAction, signature)
        case .platformManifest(let manifest): return EventComponent(.noAction, "platform " + manifest.summary)
        case .windowsTrustPoint: return EventComponent(.noAction, "Windows trust point")
        case .device(let device): return EventComponent(.device, device.summary)
        case .separator: return EventComponent(.separator, "separator")
        case .variable(let variable): return component(of: variable)
        case .imageLoad(let image): return component(of: image)
        case .partitionTable(let table): return EventComponent(.partitionTable, "GPT \(table.disk)")
        case .action(let text): return EventComponent(.action, text)
        case .bootLoader(let event): return event.component
        case .tagged(let events): return component(of: events)
        case .firmwareBlob(let blob):
            let place = "\(hex(blob.base)), \(hex(blob.length)) bytes"
            return EventComponent(.firmwareBlob, blob.blobDescription.map { "\($0) at \(place)" } ?? place)
        case .handoffTables(let tables):
            return EventComponent(
                .firmwareTables, tables.tableDescription ?? tables.tables.map(\.name).joined(separator: ", "))
        case .version(let text): return EventComponent(.firmwareVersion, text)
        case .text(let text): return EventComponent(textKind, text)
        case .opaque: return EventComponent(textKind, untrustedEventType.description)
        }
    }

    private func component(of tags: [TaggedEvent]) -> EventComponent {
        guard tags.allSatisfy(WindowsEvent.isOne) else {
            return EventComponent(
                .taggedEvent, tags.map { WindowsEvent.name($0.id) }.prefix(8).joined(separator: ", "))
        }
        let modules = WindowsEvent.modules(tags, in: log)
        guard modules.isEmpty else { return EventComponent(.windowsModules, modules.joined(separator: ", ")) }
        return EventComponent(.windowsSettings, WindowsEvent.settings(tags, in: log).joined(separator: ", "))
    }

    private var textKind: EventComponent.Kind {
        switch untrustedEventType {
        case .postCode, .postCode2, .scrtmContents, .nonHostCode, .efiPlatformFirmwareBlob, .efiHCRTMEvent,
            .cpuMicrocode:
            .firmwareBlob
        case .platformConfigFlags, .nonHostConfig, .nonHostInfo, .tableOfDevices: .firmwareConfiguration
        default: .other
        }
    }

    private func component(of variable: UEFIVariableData) -> EventComponent {
        let name = variable.name
        if untrustedEventType == .efiVariableAuthority {
            let kind: EventComponent.Kind = variable.vendor == .shimLock ? .shimVariable : .secureBootAuthority
            return EventComponent(kind, certificateName(in: variable).map { "\(name) \"\($0)\"" } ?? name)
        }
        if SecureBootVariable(name) != nil || name == "AuditMode" || name == "DeployedMode" || name == "SetupMode" {
            return EventComponent(.secureBootVariable, name)
        }
        if variable.isOrder { return EventComponent(.bootOrder, name) }
        if variable.isBootOption {
            let option = try? loadOption(of: variable)
            return EventComponent(.bootOption, option.map { "\(name) \"\($0.optionDescription)\"" } ?? name)
        }
        return EventComponent(.variable, name)
    }

    private func component(of image: UEFIImageLoadEvent) -> EventComponent {
        let kind: EventComponent.Kind = untrustedEventType == .efiBootServicesApplication ? .application : .driver
        if let file = image.devicePath.filePath { return EventComponent(kind, file) }
        let path = image.devicePath.text
        return EventComponent(kind, path.isEmpty ? "image of \(image.imageLengthInMemory) bytes without a path" : path)
    }

    /// The load option in a `Boot####` variable.
    ///
    /// - Throws: ``EventDataError`` when the value is none.
    public func loadOption(of variable: UEFIVariableData) throws(EventDataError) -> EFILoadOption {
        try EFILoadOption(
            parsing: log.span.extracting(variable.valueRange), baseOffset: variable.valueRange.lowerBound)
    }

    /// The certificate that verified an image, in the value of an EV_EFI_VARIABLE_AUTHORITY event: bare, as shim logs its
    /// own, or behind its owner (EFI_SIGNATURE_DATA).
    func certificateName(in variable: UEFIVariableData) -> String? {
        let value = log[variable.valueRange]
        return CertificateSubject.name(ofDER: value) ?? CertificateSubject.name(ofDER: value.dropFirst(16))
    }

    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

extension UEFIVariableData {
    /// `Boot`, `Driver`, `SysPrep` or `PlatformRecovery` and four hexadecimal digits: the value is a load option.
    public var isBootOption: Bool {
        let name = name
        return ["Boot", "Driver", "SysPrep", "PlatformRecovery"].contains { prefix in
            name.hasPrefix(prefix) && name.count == prefix.count + 4
                && name.dropFirst(prefix.count).allSatisfy(\.isHexDigit)
        }
    }

    /// `BootOrder` and its like: the value is a list of numbers of load options.
    public var isOrder: Bool { ["BootOrder", "DriverOrder", "SysPrepOrder"].contains(name) }
}

extension BootLoaderEvent {
    var component: EventComponent {
        switch self {
        case .command(let text): EventComponent(.bootLoaderCommand, text)
        case .kernelCommandLine(let text): EventComponent(.kernelCommandLine, text)
        case .moduleCommandLine(let text): EventComponent(.bootLoaderCommand, text)
        case .file(let path): EventComponent(Self.kind(ofFile: path), path)
        case .shimVariable(let name): EventComponent(.shimVariable, name)
        case .section(let name): EventComponent(.kernelSection, name)
        case .addon(let kind, let name): EventComponent(kind, name)
        case .stub(let text): EventComponent(text.lowercased().contains("initrd") ? .initrd : .loadOptions, text)
        case .text(let text): EventComponent(.other, text)
        }
    }

    /// By the usual names of distributions: `vmlinuz-…`, `initrd.img-…`.
    private static func kind(ofFile path: String) -> EventComponent.Kind {
        if path.hasPrefix("grub_") { return path.hasSuffix("Initrd") ? .initrd : .kernelImage }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if ["vmlinuz", "vmlinux", "bzImage", "kernel"].contains(where: name.hasPrefix) { return .kernelImage }
        if ["initrd", "initramfs"].contains(where: name.hasPrefix) { return .initrd }
        return .file
    }
}
