/// How evidence speaks about a layer (EAR's trust tiers).
public enum Tier: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nothing can be said: no evidence, or nobody covers the layer. On a finding: evidence is missing.
    case none
    /// The evidence agrees with the references. On a finding: worth telling, lowers nothing.
    case affirming
    case warning
    /// The evidence contradicts the references, or itself.
    case contraindicated

    /// A contradiction outweighs missing evidence, which outweighs a warning.
    private var weight: Int {
        switch self {
        case .affirming: 0
        case .warning: 1
        case .none: 2
        case .contraindicated: 3
        }
    }

    /// The tier of a layer with these findings; affirming where there are none.
    static func worst(of tiers: some Sequence<Tier>) -> Tier {
        tiers.max { $0.weight < $1.weight } ?? .affirming
    }
}
