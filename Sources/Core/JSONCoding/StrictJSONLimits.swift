/// Bounds that a JSON document must stay within before anything is built from it (catalogue RV-02, RV-14, TA-10).
public struct StrictJSONLimits: Hashable, Sendable {
    /// Bytes of the whole document.
    public var maxBytes: Int
    /// Open arrays and objects at any point.
    public var maxDepth: Int
    /// Values of any kind in the whole document.
    public var maxValues: Int
    /// Bytes of one string or key as written.
    public var maxStringBytes: Int
    /// Whether a number may have a fraction or an exponent. No document of ours has one, and JSONDecoder would read `1.0`
    /// where an integer is due.
    public var allowsFractions: Bool

    public init(
        maxBytes: Int, maxDepth: Int = 64, maxValues: Int = 100_000, maxStringBytes: Int? = nil,
        allowsFractions: Bool = false
    ) {
        self.maxBytes = maxBytes
        self.maxDepth = maxDepth
        self.maxValues = maxValues
        self.maxStringBytes = maxStringBytes ?? maxBytes
        self.allowsFractions = allowsFractions
    }

    /// Bodies of API calls: 1 MiB.
    public static let message = StrictJSONLimits(maxBytes: 1 << 20)
    /// Documents that operators upload, and files that they read offline: 16 MiB, depth 32 (catalogue RV-14).
    public static let document = StrictJSONLimits(maxBytes: 16 << 20, maxDepth: 32, maxValues: 2_000_000)
}
