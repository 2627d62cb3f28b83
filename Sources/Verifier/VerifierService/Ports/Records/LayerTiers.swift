/// EAR tiers by layer. Kept as their text (`firmware=affirming,kernel=warning`, ascending): evidence that changes nothing
/// takes it from the row and puts it back.
package struct LayerTiers: Hashable, Sendable {
    package let text: String

    package init(text: String) { self.text = text }

    package init(_ tiers: [String: String]) {
        text = tiers.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    package var byLayer: [String: String] {
        text.split(separator: ",").reduce(into: [:]) { tiers, pair in
            let sides = pair.split(separator: "=", maxSplits: 1)
            if sides.count == 2 { tiers[String(sides[0])] = String(sides[1]) }
        }
    }
}
