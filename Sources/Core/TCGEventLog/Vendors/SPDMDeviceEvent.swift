internal import ByteParsing

/// DEVICE_SECURITY_EVENT_DATA and …_DATA2 (PFP 1.06, section 10.2.7): what a device said of itself by SPDM.
public struct SPDMDeviceEvent: Hashable, Sendable {
    public enum Authentication: UInt8, Hashable, Sendable {
        case success = 0
        case notAuthenticated = 1
        case notBound = 2
        case noSignature = 3
        case invalid = 4
        case noSPDM = 0xFF
    }

    public let version: UInt16
    /// nil in the first form, and for a state that the profile does not name.
    public let authentication: Authentication?
    /// 1 PCI, 2 USB.
    public let deviceType: UInt32
    /// As far as it could be read.
    public let devicePath: EFIDevicePath

    private static let signature = Array("SPDM Device Sec".utf8) + [0]
    private static let signature2 = Array("SPDM Device Sec2".utf8)

    static func begins(_ data: ArraySlice<UInt8>) -> Bool {
        data.starts(with: signature) || data.starts(with: signature2)
    }

    init(parsing data: Span<UInt8>, baseOffset: Int) throws(EventDataError) {
        let pathStart: Int
        let pathLength: Int
        do throws(ParsingError) {
            var reader = ByteReader(data, baseOffset: baseOffset)
            let isSecond = try reader.readBytes(16, "DEVICE_SECURITY_EVENT_DATA.Signature") == Self.signature2
            version = try reader.readLittleEndian(UInt16.self, "DEVICE_SECURITY_EVENT_DATA.Version")
            if isSecond {
                authentication = Authentication(rawValue: try reader.readUInt8("DEVICE_SECURITY_EVENT_DATA2.AuthState"))
                try reader.skip(5, "DEVICE_SECURITY_EVENT_DATA2.Length")
                deviceType = try reader.readLittleEndian(UInt32.self, "DEVICE_SECURITY_EVENT_DATA2.DeviceType")
                try reader.skip(16, "DEVICE_SECURITY_EVENT_DATA2.SubHeader")
            } else {
                authentication = nil
                try reader.skip(6, "DEVICE_SECURITY_EVENT_DATA.SpdmHashAlgo")
                deviceType = try reader.readLittleEndian(UInt32.self, "DEVICE_SECURITY_EVENT_DATA.DeviceType")
                try reader.skip(2, "SPDM_MEASUREMENT_BLOCK.Index")
                let size = Int(try reader.readLittleEndian(UInt16.self, "SPDM_MEASUREMENT_BLOCK.MeasurementSize"))
                try reader.skip(size, "SPDM_MEASUREMENT_BLOCK.Measurement")
            }
            let length = try reader.readLittleEndian(UInt64.self, "DEVICE_SECURITY_EVENT_DATA.DevicePathLength")
            guard length <= UInt64(reader.remaining) else {
                throw reader.error(
                    "DEVICE_SECURITY_EVENT_DATA.DevicePathLength", back: 8,
                    .outOfRange(value: length, limit: UInt64(reader.remaining)))
            }
            pathStart = reader.offset - baseOffset
            pathLength = Int(length)
        } catch {
            throw EventDataError(.type, error)
        }
        devicePath = try EFIDevicePath(
            parsing: data.extracting(pathStart..<pathStart + pathLength), baseOffset: baseOffset + pathStart,
            reason: .type, lenient: true)
    }

    /// Not escaped.
    var summary: String {
        let kind = deviceType == 1 ? "PCI device" : deviceType == 2 ? "USB device" : "device"
        let state = authentication.map { $0 == .success ? "authenticated" : "NOT authenticated (\($0))" }
        return ["\(kind) \(devicePath.text)", state].compactMap { $0 }.joined(separator: ", ")
    }
}
