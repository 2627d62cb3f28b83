internal import TPMStructures

/// Rows EL-01 and EL-05: which kinds of events may stand before and behind the separator of PCR 0–7. What may follow is
/// judged by verified data where a type alone would let an attacker choose.
enum OrderRules {
    static func findings(_ stream: PCRStream) -> [LogFinding] {
        guard let allowed = allowedTypes[stream.pcr.rawValue] else { return [] }
        var findings: [LogFinding] = []
        // Outside PCR 7 digests alone decide, so that a false type there is noted and no more (``isMisplaced``).
        for event in stream.beforeSeparator where stream.pcr.rawValue == 7 && isMisplaced(event) {
            findings.append(
                LogFinding(
                    .type, event, expected: "a type that the profile allows in PCR \(stream.pcr)",
                    seen: event.untrustedEventType.description,
                    "The profile does not allow this type of event in PCR \(stream.pcr) before the separator."))
        }
        for event in stream.afterSeparator where !mayFollowSeparator(event, stream.pcr) {
            findings.append(
                LogFinding(
                    stream.pcr.rawValue == 7 && !allowed.contains(event.untrustedEventType) ? .type : .afterBoot, event,
                    severity: isDowngrade(event) ? .warning : .contraindicated, quirk: .lateEvent,
                    expected: expectation(stream.pcr), seen: event.description,
                    "An event that may not follow the separator of PCR \(stream.pcr)."))
        }
        return findings
    }

    /// Whether the profile keeps the event's type for other registers than its own.
    static func isMisplaced(_ event: TCGPCREvent2) -> Bool {
        guard let pcr = event.pcr, let allowed = allowedTypes[pcr.rawValue] else { return false }
        return !allowed.contains(event.untrustedEventType) && !event.looksLikeSeparator
    }

    /// Texts of EV_EFI_ACTION (PFP 1.06, section 10.4.4) that firmware measures after the pre-boot phase.
    static let bootActions: [UInt8: [String]] = [
        4: [
            "Calling EFI Application from Boot Option", "Returning from EFI Application from Boot Option",
            "Returning from EFI Application from Boot option",
        ],
        5: [
            ExitBootRules.invocation, ExitBootRules.success, ExitBootRules.failure,
        ],
    ]

    /// Texts by which firmware tells in PCR 7 that it protects less than it could (PFP 1.06, section 3.3.4.8; the last one is
    /// HP's). Some firmware tells it behind the separator: worth a warning, and a reference must know the digest anyway.
    private static let downgrades = [
        "DMA Protection Disabled", "UEFI Debug Mode", "Security Level is Downgraded to 0",
    ]

    private static func isDowngrade(_ event: TCGPCREvent2) -> Bool {
        event.registerIndex == 7 && downgrades.contains { event.isVerifiedAction($0) }
    }

    static func mayFollowSeparator(_ event: TCGPCREvent2, _ pcr: PCRIndex) -> Bool {
        let actions = bootActions[pcr.rawValue] ?? []
        if event.untrustedEventType == .efiAction { return actions.contains { event.isVerifiedAction($0) } }
        switch (pcr.rawValue, event.untrustedEventType) {
        case (4, .efiBootServicesApplication), (4, .efiBootServicesDriver), (7, .efiVariableAuthority):
            return (try? event.decoded()) != nil
        case (5, .efiGPTEvent), (5, .efiGPTEvent2):
            return event.dataVerified == true && (try? event.decoded()) != nil
        default: return false
        }
    }

    private static func expectation(_ pcr: PCRIndex) -> String {
        switch pcr.rawValue {
        case 4: "images and boot attempts only"
        case 5: "the partition table and ExitBootServices only"
        case 7: "authorities of loaded images only"
        default: "nothing behind the separator"
        }
    }

    private static let shared: Set<TCGEventType> = [.separator, .efiAction, .action, .eventTag]

    /// PFP 1.06, section 3.3.4 and 10.4.1: the types that the profile lets firmware measure into each PCR.
    private static let allowedTypes: [UInt8: Set<TCGEventType>] = [
        0: shared.union([
            .postCode, .postCode2, .scrtmContents, .scrtmVersion, .efiPlatformFirmwareBlob, .efiPlatformFirmwareBlob2,
            .efiHCRTMEvent, .nonHostCode, .efiBootServicesDriver, .efiRuntimeServicesDriver, .cpuMicrocode,
            .efiHandoffTables, .efiHandoffTables2, .platformConfigFlags, .nonHostInfo, .efiSPDMFirmwareBlob,
        ]),
        1: shared.union([
            .cpuMicrocode, .platformConfigFlags, .tableOfDevices, .nonHostConfig, .nonHostInfo, .efiHandoffTables,
            .efiHandoffTables2, .efiVariableDriverConfig, .efiVariableBoot, .efiVariableBoot2, .postCode, .postCode2,
            .efiPlatformFirmwareBlob, .efiPlatformFirmwareBlob2, .efiSPDMFirmwareConfig,
        ]),
        2: shared.union([
            .efiBootServicesDriver, .efiRuntimeServicesDriver, .efiBootServicesApplication, .nonHostCode,
            .efiPlatformFirmwareBlob, .efiPlatformFirmwareBlob2, .postCode, .nonHostInfo, .efiSPDMFirmwareBlob,
        ]),
        3: shared.union([
            .efiVariableDriverConfig, .nonHostConfig, .nonHostInfo, .platformConfigFlags, .tableOfDevices,
            .efiSPDMFirmwareConfig,
        ]),
        4: shared.union([
            .efiBootServicesApplication, .efiBootServicesDriver, .ipl, .compactHash, .omitBootDeviceEvents,
        ]),
        5: shared.union([
            .efiGPTEvent, .efiGPTEvent2, .efiVariableBoot, .efiVariableBoot2, .iplPartitionData,
            .efiVariableDriverConfig,
        ]),
        6: shared.union([.compactHash]),
        7: [
            .separator, .efiAction, .efiVariableDriverConfig, .efiVariableAuthority, .efiSPDMDevicePolicy,
            .efiSPDMDeviceAuthority,
        ],
    ]
}
