internal import ReferenceValues
internal import TCGEventLog
internal import TPMStructures

/// What one change alone points to. ``CauseFinder`` then looks at all changes together.
enum ChangeCause {
    static func cause(
        _ kind: BootChange.Kind, _ pcr: PCRIndex, _ before: TCGPCREvent2?, _ after: TCGPCREvent2?
    ) -> BootChangeCause.Kind {
        if kind == .relabelled { return .tampering }
        guard let component = (after ?? before)?.component else { return .unknown }
        switch component.kind {
        case .secureBootVariable: return secureBoot(component.name, before, after)
        case .secureBootAuthority: return .bootLoaderUpdate
        case .shimVariable: return shim(component.name, before, after)
        case .firmwareVersion: return .firmwareUpdate
        case .firmwareConfiguration, .firmwareTables: return .firmwareConfiguration
        case .driver: return pcr.rawValue == 0 ? .firmwareChange : .hardwareChange
        case .application: return application(component.name, kind, pcr)
        case .device: return .hardwareChange
        case .bootOrder, .bootOption: return .bootOrder
        case .variable: return pcr.rawValue == 5 ? .bootLoaderConfiguration : .firmwareConfiguration
        case .partitionTable: return .partitions
        case .bootLoaderCommand: return command(component.name)
        case .bootLoaderConfiguration: return .bootLoaderConfiguration
        case .kernelCommandLine, .loadOptions: return .commandLine
        case .kernelImage: return .kernelUpdate
        case .initrd: return .initrdRebuilt
        case .file: return file(component.name)
        case .kernelSection: return section(component.name)
        case .windowsModules, .windowsSettings: return .operatingSystem
        case .action: return pcr.rawValue == 7 ? .secureBootOff : .bootPath
        case .firmwareBlob, .taggedEvent, .other, .noAction, .logHeader, .separator: return place(pcr)
        }
    }

    private static func secureBoot(
        _ name: String, _ before: TCGPCREvent2?, _ after: TCGPCREvent2?
    ) -> BootChangeCause.Kind {
        switch name {
        case "SecureBoot": after?.variableValue == [1] ? .firmwareConfiguration : .secureBootOff
        case "dbx": revocations(before, after)
        case "PK", "KEK", "db", "dbt", "dbr": .secureBootKeys
        // SetupMode, AuditMode, DeployedMode.
        default: .secureBootOff
        }
    }

    private static func revocations(_ before: TCGPCREvent2?, _ after: TCGPCREvent2?) -> BootChangeCause.Kind {
        guard let old = before?.signatureDatabase, let new = after?.signatureDatabase else {
            return after == nil ? .revocationRemoved : .revocationUpdate
        }
        return Set(old.entryLines).isSubset(of: new.entryLines) ? .revocationUpdate : .revocationRemoved
    }

    private static func shim(_ name: String, _ before: TCGPCREvent2?, _ after: TCGPCREvent2?) -> BootChangeCause.Kind {
        if name.hasPrefix("SbatLevel") {
            guard let new = after?.sbatLevel else { return .revocationRemoved }
            guard let old = before?.sbatLevel else { return .revocationUpdate }
            let isLower = old.entries.contains { entry in
                (new.entries.first { $0.component == entry.component }?.generation ?? 0) < entry.generation
            }
            return isLower ? .revocationRemoved : .revocationUpdate
        }
        // The certificate inside shim, by which the next image was verified.
        return name.hasPrefix("Shim") ? .bootLoaderUpdate : .machineOwnerKeys
    }

    private static func application(
        _ name: String, _ kind: BootChange.Kind, _ pcr: PCRIndex
    ) -> BootChangeCause.Kind {
        if pcr.rawValue == 2 { return .hardwareChange }
        // GRUB has shim measure the kernel, which then has no path of its own; unified kernel images lie in \EFI\Linux.
        let lower = name.lowercased()
        if name.hasPrefix("image of ") || lower.contains("\\efi\\linux\\") || lower.contains("vmlinuz") {
            return .kernelUpdate
        }
        return kind == .changed ? .bootLoaderUpdate : .bootPath
    }

    /// `setparams TITLE` is what GRUB runs when somebody, or the default, chooses the entry of that title.
    private static func command(_ text: String) -> BootChangeCause.Kind {
        if text.hasPrefix("setparams ") { return .bootPath }
        return text.hasPrefix("linux") ? .commandLine : .bootLoaderConfiguration
    }

    private static func file(_ path: String) -> BootChangeCause.Kind {
        [".mod", ".efi", ".pf2", ".lst"].contains(where: path.hasSuffix) ? .bootLoaderUpdate : .bootLoaderConfiguration
    }

    private static func section(_ name: String) -> BootChangeCause.Kind {
        switch name {
        case ".cmdline": .commandLine
        case ".initrd", ".ucode": .initrdRebuilt
        default: .kernelUpdate
        }
    }

    private static func place(_ pcr: PCRIndex) -> BootChangeCause.Kind {
        switch pcr.rawValue {
        case 0: .firmwareChange
        case 1, 3, 6: .firmwareConfiguration
        case 2: .hardwareChange
        case 4, 5: .bootPath
        case 11...13: .operatingSystem
        case 14: .machineOwnerKeys
        default: .unknown
        }
    }
}
