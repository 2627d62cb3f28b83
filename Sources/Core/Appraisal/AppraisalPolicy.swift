public import ReferenceValues

/// Which layers a verdict needs, and where a warning still passes.
public struct AppraisalPolicy: Hashable, Sendable {
    /// In addition to `tpm-identity` and to the layers that the reference set requires. A layer that is named here and
    /// covered by nobody makes the verdict `error`.
    public var requiredLayers: Set<LayerID>
    public var warningPassesIn: Set<LayerID>

    /// Whether revocation lists older than the feed contradict their layer, or warn: such a warning passes in every layer.
    public var staleRevocationsFail: Bool

    public init(requiredLayers: Set<LayerID>, warningPassesIn: Set<LayerID>, staleRevocationsFail: Bool = false) {
        self.staleRevocationsFail = staleRevocationsFail
        self.requiredLayers = requiredLayers
        self.warningPassesIn = warningPassesIn
    }

    /// Nothing beyond what the reference set says; warnings pass nowhere.
    public static let strict = AppraisalPolicy(requiredLayers: [], warningPassesIn: [])
}
