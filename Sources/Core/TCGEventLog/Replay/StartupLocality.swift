/// The EV_NO_ACTION event that says at which locality TPM2_Startup came (PFP 1.06, section 10.4.5.3): PCR 0 starts with
/// that number in its last byte.
public struct StartupLocality: Hashable, Sendable {
    public static let signature: [UInt8] = Array("StartupLocality".utf8) + [0]

    public let eventIndex: Int
    /// As logged; only 0, 3 and 4 exist (PTP 1.05, section 3.2).
    public let untrustedValue: UInt8
    public var isKnown: Bool { untrustedValue == 0 || untrustedValue == 3 || untrustedValue == 4 }

    /// nil unless the event is an EV_NO_ACTION with the signature and exactly one byte behind it.
    init?(_ event: TCGPCREvent2) {
        let data = event.dataSlice
        guard event.untrustedEventType == .noAction, data.count == Self.signature.count + 1,
            data.starts(with: Self.signature), let value = data.last
        else { return nil }
        eventIndex = event.index
        untrustedValue = value
    }
}
