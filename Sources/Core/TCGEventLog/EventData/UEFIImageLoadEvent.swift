internal import ByteParsing

/// UEFI_IMAGE_LOAD_EVENT (PFP 1.06, section 10.2.3): a driver or application that firmware loaded. The event's digest is
/// the Authenticode hash of the image; nothing covers these fields.
public struct UEFIImageLoadEvent: Hashable, Sendable {
    public let imageLocationInMemory: UInt64
    public let imageLengthInMemory: UInt64
    public let imageLinkTimeAddress: UInt64
    /// As far as it could be read. Empty where a boot loader measured an image that it loaded itself (a kernel).
    public let devicePath: EFIDevicePath

    static let fixedSize = 32

    init(parsing data: Span<UInt8>, baseOffset: Int) throws(EventDataError) {
        var reader = ByteReader(data, baseOffset: baseOffset)
        do throws(ParsingError) {
            imageLocationInMemory = try reader.readLittleEndian(
                UInt64.self, "UEFI_IMAGE_LOAD_EVENT.ImageLocationInMemory")
            imageLengthInMemory = try reader.readLittleEndian(
                UInt64.self, "UEFI_IMAGE_LOAD_EVENT.ImageLengthInMemory")
            imageLinkTimeAddress = try reader.readLittleEndian(
                UInt64.self, "UEFI_IMAGE_LOAD_EVENT.ImageLinkTimeAddress")
            // Shim before 15.3 leaves the length zero or writes the path beside it: the rest of the event is the path.
            try reader.skip(8, "UEFI_IMAGE_LOAD_EVENT.LengthOfDevicePath")
        } catch {
            throw EventDataError(.type, error)
        }
        devicePath = try EFIDevicePath(
            parsing: data.extracting(Self.fixedSize..<data.count), baseOffset: baseOffset + Self.fixedSize,
            reason: .type, lenient: true)
    }
}
