/// An event's type as the log states it (TCG PC Client Platform Firmware Profile 1.06, section 10.4.1).
///
/// No digest covers it: whoever can edit the log can write any type. A decision rests on digests and PCRs; a type only
/// says how to read the data, and only where the data is verified.
public struct TCGEventType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let prebootCert = TCGEventType(rawValue: 0x0000_0000)
    public static let postCode = TCGEventType(rawValue: 0x0000_0001)
    public static let unused = TCGEventType(rawValue: 0x0000_0002)
    public static let noAction = TCGEventType(rawValue: 0x0000_0003)
    public static let separator = TCGEventType(rawValue: 0x0000_0004)
    public static let action = TCGEventType(rawValue: 0x0000_0005)
    public static let eventTag = TCGEventType(rawValue: 0x0000_0006)
    public static let scrtmContents = TCGEventType(rawValue: 0x0000_0007)
    public static let scrtmVersion = TCGEventType(rawValue: 0x0000_0008)
    public static let cpuMicrocode = TCGEventType(rawValue: 0x0000_0009)
    public static let platformConfigFlags = TCGEventType(rawValue: 0x0000_000A)
    public static let tableOfDevices = TCGEventType(rawValue: 0x0000_000B)
    public static let compactHash = TCGEventType(rawValue: 0x0000_000C)
    public static let ipl = TCGEventType(rawValue: 0x0000_000D)
    public static let iplPartitionData = TCGEventType(rawValue: 0x0000_000E)
    public static let nonHostCode = TCGEventType(rawValue: 0x0000_000F)
    public static let nonHostConfig = TCGEventType(rawValue: 0x0000_0010)
    public static let nonHostInfo = TCGEventType(rawValue: 0x0000_0011)
    public static let omitBootDeviceEvents = TCGEventType(rawValue: 0x0000_0012)
    public static let postCode2 = TCGEventType(rawValue: 0x0000_0013)

    public static let efiVariableDriverConfig = TCGEventType(rawValue: 0x8000_0001)
    public static let efiVariableBoot = TCGEventType(rawValue: 0x8000_0002)
    public static let efiBootServicesApplication = TCGEventType(rawValue: 0x8000_0003)
    public static let efiBootServicesDriver = TCGEventType(rawValue: 0x8000_0004)
    public static let efiRuntimeServicesDriver = TCGEventType(rawValue: 0x8000_0005)
    public static let efiGPTEvent = TCGEventType(rawValue: 0x8000_0006)
    public static let efiAction = TCGEventType(rawValue: 0x8000_0007)
    public static let efiPlatformFirmwareBlob = TCGEventType(rawValue: 0x8000_0008)
    public static let efiHandoffTables = TCGEventType(rawValue: 0x8000_0009)
    public static let efiPlatformFirmwareBlob2 = TCGEventType(rawValue: 0x8000_000A)
    public static let efiHandoffTables2 = TCGEventType(rawValue: 0x8000_000B)
    public static let efiVariableBoot2 = TCGEventType(rawValue: 0x8000_000C)
    public static let efiGPTEvent2 = TCGEventType(rawValue: 0x8000_000D)
    public static let efiHCRTMEvent = TCGEventType(rawValue: 0x8000_0010)
    public static let efiVariableAuthority = TCGEventType(rawValue: 0x8000_00E0)
    public static let efiSPDMFirmwareBlob = TCGEventType(rawValue: 0x8000_00E1)
    public static let efiSPDMFirmwareConfig = TCGEventType(rawValue: 0x8000_00E2)
    public static let efiSPDMDevicePolicy = TCGEventType(rawValue: 0x8000_00E3)
    public static let efiSPDMDeviceAuthority = TCGEventType(rawValue: 0x8000_00E4)

    /// Whether the profile names this type.
    public var isKnown: Bool { Self.names[self] != nil }
    /// `EV_SEPARATOR`; for a type that the profile does not name, `0x00008401`.
    public var description: String {
        if let name = Self.names[self] { return name }
        let digits = String(rawValue, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static let names: [TCGEventType: String] = [
        .prebootCert: "EV_PREBOOT_CERT", .postCode: "EV_POST_CODE", .unused: "EV_UNUSED", .noAction: "EV_NO_ACTION",
        .separator: "EV_SEPARATOR", .action: "EV_ACTION", .eventTag: "EV_EVENT_TAG",
        .scrtmContents: "EV_S_CRTM_CONTENTS", .scrtmVersion: "EV_S_CRTM_VERSION",
        .cpuMicrocode: "EV_CPU_MICROCODE", .platformConfigFlags: "EV_PLATFORM_CONFIG_FLAGS",
        .tableOfDevices: "EV_TABLE_OF_DEVICES", .compactHash: "EV_COMPACT_HASH", .ipl: "EV_IPL",
        .iplPartitionData: "EV_IPL_PARTITION_DATA", .nonHostCode: "EV_NONHOST_CODE",
        .nonHostConfig: "EV_NONHOST_CONFIG", .nonHostInfo: "EV_NONHOST_INFO",
        .omitBootDeviceEvents: "EV_OMIT_BOOT_DEVICE_EVENTS", .postCode2: "EV_POST_CODE2",
        .efiVariableDriverConfig: "EV_EFI_VARIABLE_DRIVER_CONFIG", .efiVariableBoot: "EV_EFI_VARIABLE_BOOT",
        .efiBootServicesApplication: "EV_EFI_BOOT_SERVICES_APPLICATION",
        .efiBootServicesDriver: "EV_EFI_BOOT_SERVICES_DRIVER",
        .efiRuntimeServicesDriver: "EV_EFI_RUNTIME_SERVICES_DRIVER", .efiGPTEvent: "EV_EFI_GPT_EVENT",
        .efiAction: "EV_EFI_ACTION", .efiPlatformFirmwareBlob: "EV_EFI_PLATFORM_FIRMWARE_BLOB",
        .efiHandoffTables: "EV_EFI_HANDOFF_TABLES", .efiPlatformFirmwareBlob2: "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
        .efiHandoffTables2: "EV_EFI_HANDOFF_TABLES2", .efiVariableBoot2: "EV_EFI_VARIABLE_BOOT2",
        .efiGPTEvent2: "EV_EFI_GPT_EVENT2", .efiHCRTMEvent: "EV_EFI_HCRTM_EVENT",
        .efiVariableAuthority: "EV_EFI_VARIABLE_AUTHORITY", .efiSPDMFirmwareBlob: "EV_EFI_SPDM_FIRMWARE_BLOB",
        .efiSPDMFirmwareConfig: "EV_EFI_SPDM_FIRMWARE_CONFIG", .efiSPDMDevicePolicy: "EV_EFI_SPDM_DEVICE_POLICY",
        .efiSPDMDeviceAuthority: "EV_EFI_SPDM_DEVICE_AUTHORITY",
    ]
}
