internal import ByteParsing

/// UEFI_IMAGE_LOAD_EVENT (PFP 1.06, section 10.2.3): a driver or application that firmware loaded. The event's digest is
/// the Authenticode hash of the image; nothing covers these fields.
public struct UEFIImageLoadEvent: Hashable, Sendable {
    public let imageLocationInMemory: UInt64
    public let imageLengthInMemory: UInt64
    public let imageLinkTimeAddress: UInt64
    /// Empty where a boot loader measured an image that it loaded itself (shim for GRUB's kernel).
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
            let length = try reader.readLittleEndian(UInt64.self, "UEFI_IMAGE_LOAD_EVENT.LengthOfDevicePath")
            guard length <= UInt64(reader.remaining) else {
                throw reader.error(
                    "UEFI_IMAGE_LOAD_EVENT.LengthOfDevicePath", back: 8,
                    .outOfRange(value: length, limit: UInt64(reader.remaining)))
            }
        } catch {
            throw EventDataError(.type, error)
        }
        // Shim logs the device path without counting it, so the rest of the event is the path.
        devicePath = try EFIDevicePath(
            parsing: data.extracting(Self.fixedSize..<data.count), baseOffset: baseOffset + Self.fixedSize,
            reason: .type)
    }
}
