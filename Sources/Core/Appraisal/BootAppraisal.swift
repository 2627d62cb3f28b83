public import ReferenceValues

/// What the event log and the quoted registers say about layers 2 to 6, independent of identity, policy and time.
/// Depends only on (pcrDigest with its selection, event log bytes, reference set): may be kept under that key.
public struct BootAppraisal: Hashable, Sendable, Codable {
    public struct Layer: Hashable, Sendable, Codable {
        public var id: LayerID
        /// `none` for a layer that the set does not cover.
        public var tier: Tier
        public var covered: Bool
        public var findings: [Finding]
    }

    /// The five layers of the boot, in boot order.
    public var layers: [Layer]
    public var waivers: [AttestationResult.AppliedWaiver]
}
