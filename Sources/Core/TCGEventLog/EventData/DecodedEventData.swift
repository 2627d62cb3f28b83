internal import ByteParsing

/// An event's data, read as its type says. Whoever sent the log chose both; see ``TCGPCREvent2/dataVerified``.
public enum DecodedEventData: Hashable, Sendable {
    case specID
    case startupLocality(UInt8)
    /// Another EV_NO_ACTION: its signature, as text.
    case noAction(String)
    case platformManifest(PlatformManifest)
    /// What Windows appends to a log that it attested: a quote and its key, in no register.
    case windowsTrustPoint([TaggedEvent])
    /// 0 and 0xFFFFFFFF end the pre-boot phase; 1 says that an error happened.
    case separator(UInt32)
    case variable(UEFIVariableData)
    case imageLoad(UEFIImageLoadEvent)
    case partitionTable(EFIGPTEvent)
    case action(String)
    case bootLoader(BootLoaderEvent)
    case tagged([TaggedEvent])
    case firmwareBlob(FirmwareBlob)
    case handoffTables(HandoffTables)
    case device(SPDMDeviceEvent)
    /// EV_S_CRTM_VERSION: text or a GUID.
    case version(String)
    case text(String)
    case opaque
}

extension TCGPCREvent2 {
    /// Reads the data as the type says.
    ///
    /// - Throws: ``EventDataError`` when the data does not have the form of the type.
    public func decoded() throws(EventDataError) -> DecodedEventData {
        let span = log.span.extracting(dataRange)
        let base = dataRange.lowerBound
        switch untrustedEventType {
        case .noAction: return decodeNoAction(span)
        case .separator: return try decodeSeparator()
        case .efiVariableDriverConfig, .efiVariableBoot, .efiVariableBoot2, .efiVariableAuthority,
            .efiSPDMDevicePolicy, .efiSPDMDeviceAuthority:
            return .variable(
                try UEFIVariableData(
                    parsing: span, baseOffset: base, padded: untrustedEventType == .efiVariableAuthority))
        case .efiBootServicesApplication, .efiBootServicesDriver, .efiRuntimeServicesDriver:
            return .imageLoad(try UEFIImageLoadEvent(parsing: span, baseOffset: base))
        case .efiGPTEvent, .efiGPTEvent2:
            return .partitionTable(try EFIGPTEvent(parsing: span, baseOffset: base))
        case .action, .efiAction: return .action(LogText.utf8(dataSlice))
        case .ipl: return BootLoaderEvent(dataSlice).map { .bootLoader($0) } ?? .opaque
        case .eventTag: return try decodeTagged()
        case .scrtmVersion: return .version(versionText)
        case .efiPlatformFirmwareBlob where dataRange.count == 16, .postCode where dataRange.count == 16,
            .scrtmContents where dataRange.count == 16:
            if let text = LogText.display(dataSlice) { return .text(text) }
            return .firmwareBlob(try FirmwareBlob(parsing: span, baseOffset: base, described: false))
        case .efiPlatformFirmwareBlob2:
            return .firmwareBlob(try FirmwareBlob(parsing: span, baseOffset: base, described: true))
        case .efiSPDMFirmwareBlob where SPDMDeviceEvent.begins(dataSlice),
            .efiSPDMFirmwareConfig where SPDMDeviceEvent.begins(dataSlice):
            return .device(try SPDMDeviceEvent(parsing: span, baseOffset: base))
        case .scrtmContents, .postCode, .postCode2:
            // Newer firmware describes its volumes here as in EV_EFI_PLATFORM_FIRMWARE_BLOB2.
            if let blob = try? FirmwareBlob(parsing: span, baseOffset: base, described: true),
                LogText.looksLikeASCII(Array((blob.blobDescription ?? "").utf8)[...])
            {
                return .firmwareBlob(blob)
            }
            return LogText.display(dataSlice).map { .text($0) } ?? .opaque
        case .efiHandoffTables:
            return .handoffTables(try HandoffTables(parsing: span, baseOffset: base, described: false))
        case .efiHandoffTables2:
            return .handoffTables(try HandoffTables(parsing: span, baseOffset: base, described: true))
        default:
            if let text = LogText.display(dataSlice) { return .text(text) }
            return VendorEvent.summary(dataSlice).map { .text($0) } ?? .opaque
        }
    }

    private func decodeNoAction(_ span: Span<UInt8>) -> DecodedEventData {
        if dataSlice.starts(with: SpecIDEvent.signature) { return .specID }
        if let locality = StartupLocality(self) { return .startupLocality(locality.untrustedValue) }
        if let revision = PlatformManifest.revision(of: dataSlice),
            let manifest = try? PlatformManifest(
                parsing: span, baseOffset: dataRange.lowerBound, revision: revision)
        {
            return .platformManifest(manifest)
        }
        if registerIndex == UInt32.max, let tags = try? TaggedEvent.parse(span, baseOffset: dataRange.lowerBound),
            !tags.isEmpty, tags.allSatisfy({ $0.depth > 1 || $0.id == WindowsEvent.trustPoint })
        {
            return .windowsTrustPoint(tags)
        }
        return .noAction(LogText.escape(LogText.utf8(dataSlice.prefix(16).prefix { $0 != 0 })))
    }

    private func decodeSeparator() throws(EventDataError) -> DecodedEventData {
        let data = dataSlice
        guard data.count == 4 else {
            throw EventDataError(
                .separator,
                ParsingError(
                    field: "EV_SEPARATOR", offset: dataRange.lowerBound,
                    problem: .outOfRange(value: UInt64(data.count), limit: 4)))
        }
        return .separator(data.reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }

    private func decodeTagged() throws(EventDataError) -> DecodedEventData {
        // The first kernels with a measured load option logged the bare text.
        if LogText.looksLikeASCII(dataSlice) { return .bootLoader(.stub(LogText.utf8(dataSlice))) }
        let events = try TaggedEvent.parse(log.span.extracting(dataRange), baseOffset: dataRange.lowerBound)
        guard events.count == 1, let tag = events.first else { return .tagged(events) }
        let content = log[tag.dataRange]
        if let known = LinuxTag(rawValue: tag.id), let title = known.title {
            let name = LogText.looksLikeUTF16(content) ? LogText.utf16(content) : LogText.utf8(content)
            return .bootLoader(.addon(known.component, name.isEmpty ? title : "\(title) \(name)"))
        }
        if LogText.looksLikeASCII(content) { return .bootLoader(.stub(LogText.utf8(content))) }
        return .tagged(events)
    }

    private var versionText: String {
        if let text = LogText.display(dataSlice) { return text }
        if dataRange.count == 16 { return EFIGUID(data).description }
        return dataSlice.allSatisfy { $0 == 0 } ? "" : Hex.encode(dataSlice.prefix(64))
    }
}
