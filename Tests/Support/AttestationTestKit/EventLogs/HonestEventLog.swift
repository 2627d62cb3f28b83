import TCGEventLog
public import TPMStructures

extension EventLogBuilder {
    /// A small boot that breaks no rule: firmware, Secure Boot policy, boot options, shim, GRUB, kernel. No findings.
    public static func honest(banks: [PCRBank] = [.sha256], startupLocality: UInt8? = nil) -> EventLogBuilder {
        var builder = EventLogBuilder(banks: banks)
        if let startupLocality { builder.appendNoAction(Array("StartupLocality".utf8) + [0, startupLocality]) }
        builder.append(0, .scrtmVersion, EventLogData.utf16("1.0") + [0, 0])
        builder.append(0, .efiPlatformFirmwareBlob, [UInt8](repeating: 1, count: 16), measuring: Array("blob".utf8))
        builder.append(1, .platformConfigFlags, Array("ACPI DATA".utf8), measuring: Array("acpi".utf8))
        builder.append(
            2, .efiBootServicesDriver, EventLogData.imageLoad(file: "\\rom.efi"), measuring: Array("rom".utf8))
        builder.append(3, .efiVariableDriverConfig, EventLogData.variable("Setup", value: [1, 2]))
        builder.append(5, .efiVariableBoot, EventLogData.variable("BootOrder", value: [1, 0]))
        builder.append(6, .compactHash, Array("vendor".utf8))
        builder.appendSecureBootPolicy()
        builder.append(4, .efiAction, Array("Calling EFI Application from Boot Option".utf8))
        for pcr in UInt32(0)...7 { builder.append(pcr, .separator, [0, 0, 0, 0]) }
        builder.append(
            7, .efiVariableAuthority,
            EventLogData.variable("db", vendor: EventLogData.imageSecurityDatabase, value: Array("certificate".utf8)))
        builder.append(
            4, .efiBootServicesApplication, EventLogData.imageLoad(file: "\\EFI\\BOOT\\BOOTX64.EFI"),
            measuring: Array("shim".utf8))
        builder.append(14, .ipl, Array("MokList".utf8) + [0], measuring: [])
        builder.appendGRUB("linux /boot/vmlinuz quiet")
        builder.append(9, .ipl, Array("/boot/vmlinuz".utf8) + [0], measuring: Array("kernel".utf8))
        builder.append(5, .efiAction, Array("Exit Boot Services Invocation".utf8))
        builder.append(5, .efiAction, Array("Exit Boot Services Returned with Success".utf8))
        return builder
    }

    private mutating func appendSecureBootPolicy() {
        append(7, .efiVariableDriverConfig, EventLogData.variable("SecureBoot", value: [1]))
        let list = EventLogData.signatureList(hashes: [[UInt8](repeating: 0xA5, count: 32)])
        for name in ["PK", "KEK"] {
            append(7, .efiVariableDriverConfig, EventLogData.variable(name, value: list))
        }
        for name in ["db", "dbx"] {
            append(
                7, .efiVariableDriverConfig,
                EventLogData.variable(name, vendor: EventLogData.imageSecurityDatabase, value: list))
        }
    }

    /// A GRUB command in PCR 8: prefix and NUL are logged, the text alone is measured.
    public mutating func appendGRUB(_ command: String) {
        append(8, .ipl, Array("grub_cmd: \(command)".utf8) + [0], measuring: Array(command.utf8))
    }

    /// Position of the first event that satisfies `predicate`.
    public func index(where predicate: (Event) -> Bool) -> Int? { events.firstIndex(where: predicate) }
}
