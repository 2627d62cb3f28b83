/// A stretch of the kernel's measurement list, which only grows within a boot. Nothing binds these bytes but their replay
/// to the quoted PCR 10.
public struct MeasurementListPart: Hashable, Sendable, Codable {
    /// Most bytes that travel within a submission; a longer stretch is uploaded as log `ima`.
    public static let longestInline = 64 << 10

    /// First byte of the stretch, counted from the list's beginning.
    public var offset: Int
    /// Where the list ended when it was read; at least `offset`.
    public var end: Int
    /// The bytes `offset..<end`, or none where they are to be uploaded.
    public var bytes: WireBytes

    public init(offset: Int, end: Int, bytes: WireBytes) {
        self.offset = offset
        self.end = end
        self.bytes = bytes
    }

    /// Whether nothing of the stretch is left to be uploaded.
    public var isWhole: Bool { offset >= 0 && end >= offset && bytes.bytes.count == end - offset }
}
