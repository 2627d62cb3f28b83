internal import ByteParsing

/// TCG_Sp800_155_PlatformId_Event, …_Event2 and …_Event3 (PFP 1.06, section 10.4.5.2): which platform this is, and where its
/// reference integrity manifest lies. An EV_NO_ACTION event: nothing covers it.
public struct PlatformManifest: Hashable, Sendable {
    /// Where a document lies (PFP 1.06, table of locator types); nothing is ever fetched from there.
    public struct Locator: Hashable, Sendable {
        /// 0 raw data, 1 URI, 2 device path, 3 UEFI variable.
        public let type: UInt32
        public let data: [UInt8]
    }

    /// 1, 2 or 3, by the signature.
    public let revision: Int
    /// IANA enterprise number of who made the platform (of revision 1: of who made the manifest).
    public let manufacturerID: UInt32
    public let manifest: EFIGUID
    /// Texts are not escaped; empty in revision 1.
    public let platformManufacturer: String
    public let platformModel: String
    public let platformVersion: String
    public let firmwareManufacturer: String
    public let firmwareManufacturerID: UInt32?
    public let firmwareVersion: String
    /// Of revision 3: the manifest's own place, and the platform certificate's.
    public let manifestLocator: Locator?
    public let certificateLocator: Locator?

    private static let signatures = ["SP800-155 Event", "SP800-155 Event2", "SP800-155 Event3"]

    static func revision(of data: ArraySlice<UInt8>) -> Int? {
        let signature = data.prefix(16).prefix { $0 != 0 }
        guard data.count >= 16 else { return nil }
        return signatures.firstIndex { signature.elementsEqual($0.utf8) }.map { $0 + 1 }
    }

    init(parsing data: Span<UInt8>, baseOffset: Int, revision: Int) throws(EventDataError) {
        do throws(ParsingError) {
            var reader = ByteReader(data, baseOffset: baseOffset)
            try reader.skip(16, "TCG_Sp800_155_PlatformId_Event.Signature")
            self.revision = revision
            manufacturerID = try reader.readLittleEndian(UInt32.self, "TCG_Sp800_155_PlatformId_Event.VendorId")
            manifest = try EFIGUID(reading: &reader, "TCG_Sp800_155_PlatformId_Event.ReferenceManifestGuid")
            guard revision > 1 else {
                (platformManufacturer, platformModel, platformVersion) = ("", "", "")
                (firmwareManufacturer, firmwareVersion, firmwareManufacturerID) = ("", "", nil)
                (manifestLocator, certificateLocator) = (nil, nil)
                try reader.expectEnd("TCG_Sp800_155_PlatformId_Event")
                return
            }
            platformManufacturer = try Self.text(&reader, "PlatformManufacturerStr")
            platformModel = try Self.text(&reader, "PlatformModel")
            platformVersion = try Self.text(&reader, "PlatformVersion")
            firmwareManufacturer = try Self.text(&reader, "FirmwareManufacturerStr")
            firmwareManufacturerID = try reader.readLittleEndian(
                UInt32.self, "TCG_Sp800_155_PlatformId_Event2.FirmwareManufacturerId")
            firmwareVersion = try Self.text(&reader, "FirmwareVersion")
            manifestLocator = revision > 2 ? try Self.locator(&reader, "RimLocator") : nil
            certificateLocator = revision > 2 ? try Self.locator(&reader, "PlatformCertLocator") : nil
            try reader.expectEnd("TCG_Sp800_155_PlatformId_Event")
        } catch {
            throw EventDataError(.type, error)
        }
    }

    private static func text(_ reader: inout ByteReader, _ field: String) throws(ParsingError) -> String {
        let name = "TCG_Sp800_155_PlatformId_Event2.\(field)"
        let size = Int(try reader.readUInt8("\(name)Size"))
        return LogText.utf8(try reader.readBytes(size, name)[...])
    }

    private static func locator(_ reader: inout ByteReader, _ field: String) throws(ParsingError) -> Locator {
        let name = "TCG_Sp800_155_PlatformId_Event3.\(field)"
        let type = try reader.readLittleEndian(UInt32.self, "\(name)Type")
        let size = Int(try reader.readLittleEndian(UInt32.self, "\(name)Length"))
        return Locator(type: type, data: try reader.readBytes(size, name))
    }

    /// `Google, Inc. …: firmware 1.0`; not escaped.
    var summary: String {
        let platform = [platformManufacturer, platformModel, platformVersion].filter { !$0.isEmpty }
        let firmware = [firmwareManufacturer, firmwareVersion].filter { !$0.isEmpty }
        let parts: [String?] = [
            platform.isEmpty ? nil : platform.joined(separator: " "),
            firmware.isEmpty ? nil : "firmware " + firmware.joined(separator: " "), "manifest \(manifest)",
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }
}
