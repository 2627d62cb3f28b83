/// The tagged events of Windows' boot manager (SIPA; Windows SDK, `wbcl.h`): their names, and what people want to know of
/// them. Windows nests them in aggregates, one record for each boot phase.
enum WindowsEvent {
    /// SIPAEVENT_TRUSTPOINT_AGGREGATION with the bit "not measured": what ends a log that Windows attested.
    static let trustPoint: UInt32 = 0xC001_0004
    private static let filePath: UInt32 = 0x7_0001
    /// SIPAEVENTTYPE_… in the upper half, below the flags for aggregates and unmeasured events.
    private static let types: ClosedRange<UInt32> = 1...0xC

    static func isOne(_ tag: TaggedEvent) -> Bool { types.contains(tag.id & 0x3FFF_FFFF >> 16) && tag.id & 0xFFFF != 0 }

    /// `OSKernelDebug`; for an unknown one `0x00050099`.
    static func name(_ id: UInt32) -> String {
        if let name = names[id & 0x3FFF_FFFF] { return name }
        let digits = String(id, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Paths of the modules that a record reports; not escaped.
    static func modules(_ tags: [TaggedEvent], in log: [UInt8]) -> [String] {
        tags.filter { $0.id == filePath }.map { LogText.utf16(log[$0.dataRange]) }
    }

    /// `CodeIntegrity 1` for each simple value of a record; containers and long values by name alone.
    static func settings(_ tags: [TaggedEvent], in log: [UInt8]) -> [String] {
        tags.filter { $0.id & TaggedEvent.aggregation == 0 && $0.id != filePath && !isModuleDetail($0.id) }.map { tag in
            let value = log[tag.dataRange]
            guard (1...8).contains(value.count) else { return name(tag.id) }
            return "\(name(tag.id)) \(value.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })"
        }
    }

    private static func isModuleDetail(_ id: UInt32) -> Bool { id >> 16 == 7 }

    private static let names: [UInt32: String] = [
        0x1_0001: "TrustBoundary", 0x1_0002: "ELAMAggregation", 0x1_0003: "LoadedModule", 0x1_0004: "TrustPoint",
        0x1_0005: "KSRAggregation", 0x1_0006: "KSRSignedMeasurement",
        0x2_0001: "Information", 0x2_0002: "BootCounter", 0x2_0003: "TransferControl", 0x2_0004: "ApplicationReturn",
        0x2_0005: "BitLockerUnlock", 0x2_0006: "EventCounter", 0x2_0007: "CounterID",
        0x2_0008: "MORBitNotCancelable", 0x2_0009: "ApplicationSVN", 0x2_000A: "SVNChainStatus",
        0x2_000B: "MORBitAPIStatus", 0x2_000C: "IDKGenerationStatus",
        0x3_0001: "FirmwareFailure", 0x3_0003: "InternalFailure", 0x3_0005: "HypervisorFailure",
        0x4_0001: "BootDebugging", 0x4_0002: "BootRevocationList",
        0x5_0001: "OSKernelDebug", 0x5_0002: "CodeIntegrity", 0x5_0003: "TestSigning",
        0x5_0004: "DataExecutionPrevention", 0x5_0005: "SafeMode", 0x5_0006: "WinPE",
        0x5_0007: "PhysicalAddressExtension", 0x5_0008: "OSDevice", 0x5_0009: "SystemRoot",
        0x5_000A: "HypervisorLaunchType", 0x5_000B: "HypervisorPath", 0x5_000C: "HypervisorIOMMUPolicy",
        0x5_000D: "HypervisorDebug", 0x5_000E: "DriverLoadPolicy", 0x5_000F: "SIPolicy",
        0x5_0010: "HypervisorMMIONXPolicy", 0x5_0011: "HypervisorMSRFilterPolicy", 0x5_0012: "VSMLaunchType",
        0x5_0013: "OSRevocationList", 0x5_0014: "SMTStatus", 0x5_0020: "VSMIDKInfo", 0x5_0021: "FlightSigning",
        0x5_0022: "PagefileEncryptionEnabled", 0x5_0023: "VSMIDKSInfo", 0x5_0024: "HibernationDisabled",
        0x5_0025: "DumpsDisabled", 0x5_0026: "DumpEncryptionEnabled", 0x5_0027: "DumpEncryptionKeyDigest",
        0x5_0028: "LSAIsoConfig", 0x5_0029: "SBCPInfo", 0x5_0030: "HypervisorBootDMAProtection",
        0x5_0031: "SIPolicySigner", 0x5_0032: "SIPolicyUpdateSigner", 0x5_003A: "VSMSealedSIPolicy",
        0x6_0001: "NoAuthority", 0x6_0002: "AuthorityPublicKey",
        0x7_0001: "FilePath", 0x7_0002: "ImageSize", 0x7_0003: "HashAlgorithmID", 0x7_0004: "AuthenticodeHash",
        0x7_0005: "AuthorityIssuer", 0x7_0006: "AuthoritySerial", 0x7_0007: "ImageBase",
        0x7_0008: "AuthorityPublisher", 0x7_0009: "AuthoritySHA1Thumbprint", 0x7_000A: "ImageValidated",
        0x7_000B: "ModuleSVN", 0x7_000C: "ModulePluton", 0x7_000D: "ModuleOriginalFilename",
        0x7_000E: "ModuleVersion", 0x7_000F: "PublisherOEMName",
        0x8_0001: "Quote", 0x8_0002: "QuoteSignature", 0x8_0003: "AIKID", 0x8_0004: "AIKPublicDigest",
        0x9_0001: "ELAMKeyName", 0x9_0002: "ELAMConfiguration", 0x9_0003: "ELAMPolicy", 0x9_0004: "ELAMMeasured",
        0xA_0001: "VBSVSMRequired", 0xA_0002: "VBSSecureBootRequired", 0xA_0003: "VBSIOMMURequired",
        0xA_0004: "VBSMMIONXRequired", 0xA_0005: "VBSMSRFilteringRequired", 0xA_0006: "VBSMandatoryEnforcement",
        0xA_0007: "VBSHVCIPolicy", 0xA_0008: "VBSMicrosoftBootChainRequired", 0xA_0009: "VBSDumpUsesAMERoot",
        0xA_000A: "VBSVSMNoSecretsEnforced", 0xB_0001: "KSRSignature", 0xC_0001: "DRTMStateAuth",
        0xC_0002: "DRTMSMMLevel", 0xC_0003: "DRTMAMDSMMHash", 0xC_0004: "DRTMAMDSMMSignerKey",
    ]
}
