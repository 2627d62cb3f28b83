/// Why something was refused: every reason that was found, never just the first. `Code` is a closed list of the stable
/// reason codes of one check.
public struct Refusal<Code>: Error, Hashable, Sendable, CustomStringConvertible
where Code: RawRepresentable & Hashable & Sendable, Code.RawValue == String {
    public struct Reason: Hashable, Sendable {
        public let code: Code
        /// For operators; may show values that the other side sent.
        public let detail: String

        public init(_ code: Code, _ detail: String) {
            self.code = code
            self.detail = detail
        }
    }

    /// Never empty, in the order of the checks.
    public let reasons: [Reason]

    public init(_ code: Code, _ detail: String) { reasons = [Reason(code, detail)] }

    /// - Returns: nil when there is no reason to refuse.
    public init?(_ reasons: [Reason]) {
        guard !reasons.isEmpty else { return nil }
        self.reasons = reasons
    }

    public func contains(_ code: Code) -> Bool { reasons.contains { $0.code == code } }
    /// The stable codes, each once, in the order of the checks.
    public var codes: [String] {
        reasons.map(\.code.rawValue).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
    public var description: String { reasons.map { "\($0.code.rawValue): \($0.detail)" }.joined(separator: "; ") }
}
