/// One key in which a report differs from another or from a baseline.
public struct FingerprintDifference: Hashable, Sendable, CustomStringConvertible {
    public enum Change: String, Hashable, Sendable, Codable {
        /// Seen, not expected.
        case added
        /// Expected, not seen.
        case removed
        /// Both, with other details.
        case changed
    }

    public let kind: FingerprintKind
    public let change: Change
    public let key: String
    /// Canonical lines of the entries with this key; empty for `added`. Attacker-controlled text: escape it for a terminal.
    public let expected: [String]
    /// As `expected`, of what was seen; empty for `removed`.
    public let seen: [String]

    public var description: String {
        switch change {
        case .added: "+ \(key): \(seen.joined(separator: ", "))"
        case .removed: "- \(key): \(expected.joined(separator: ", "))"
        case .changed: "~ \(key): \(expected.joined(separator: ", ")) -> \(seen.joined(separator: ", "))"
        }
    }
}

extension FingerprintReport {
    /// What is different in `newer`, by key in byte order. Reports of different kinds differ in all of their entries.
    public func differences(to newer: FingerprintReport) -> [FingerprintDifference] {
        let before = linesByKey
        let after = newer.linesByKey
        let keys = Set(before.keys).union(after.keys).sorted { $0.lexicographicallyPrecedes($1) }
        return keys.compactMap { key in
            let expected = before[key] ?? []
            let seen = after[key] ?? []
            guard !expected.elementsEqual(seen, by: { $0.utf8.elementsEqual($1.utf8) }) else { return nil }
            let change: FingerprintDifference.Change =
                expected.isEmpty ? .added : seen.isEmpty ? .removed : .changed
            return FingerprintDifference(
                kind: newer.kind, change: change, key: String(decoding: key, as: UTF8.self), expected: expected,
                seen: seen)
        }
    }

    /// By the key's bytes, for the reason given at the initializer.
    private var linesByKey: [[UInt8]: [String]] {
        var lines: [[UInt8]: [String]] = [:]
        for (key, line) in keyedLines { lines[Array(key.utf8), default: []].append(line) }
        return lines
    }
}
