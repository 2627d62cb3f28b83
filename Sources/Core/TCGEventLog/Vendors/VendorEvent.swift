/// Structures of vendors in EV_NONHOST_INFO and its like, recognised by their signature; nil for others.
enum VendorEvent {
    /// What a record is, in words; not escaped.
    static func summary(_ data: ArraySlice<UInt8>) -> String? {
        if data.starts(with: googleSignature), data.count == 32, let technology = data.dropFirst(16).first {
            return "Google Compute Engine, memory encryption: " + (encryption[technology] ?? "technology \(technology)")
        }
        return signatures.first { data.starts(with: $0.utf8) }.map { "\($0), \(data.count) bytes" }
    }

    private static let googleSignature = Array("GCE NonHostInfo".utf8) + [0]
    /// Google's confidential VM technologies, as its measured boot documentation numbers them.
    private static let encryption: [UInt8: String] = [
        0: "none", 1: "AMD SEV", 2: "AMD SEV-ES", 3: "Intel TDX", 4: "AMD SEV-SNP",
    ]
    /// What Intel's management engine reports of itself.
    private static let signatures = ["IntelCSxEInfoEvent", "IntelCSxEEvent01"]
}
