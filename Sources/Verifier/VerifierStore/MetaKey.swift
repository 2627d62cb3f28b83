/// Rows of the table `meta`.
enum MetaKey {
    static let instanceID = "instance-id"
    /// The latest time the clock is known to have shown, milliseconds since 1970.
    static let clockHighWater = "clock-high-water"
    static let epoch = "epoch"
    /// Hex of the last audit record's hash, as of the last group commit.
    static let auditHead = "audit-head"
}
