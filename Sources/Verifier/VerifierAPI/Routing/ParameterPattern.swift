internal import AttestationMessages

/// The forms of everything that reaches a use case from a path or a query. Closed sets of ASCII: no separator of paths,
/// SQL, shells or logs is among them, except in an audience, which may be a URI and is only ever compared and signed.
enum ParameterPattern {
    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`: groups, sites, reference sets, operators.
    static func isName(_ text: String) -> Bool {
        matches(text, longest: 63) { isAlphanumeric($0) || $0 == ascii(".") || $0 == ascii("_") || $0 == ascii("-") }
    }

    /// `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`: ids that the verifier made.
    static func isIdentifier(_ text: String) -> Bool {
        matches(text, longest: 64) { isAlphanumeric($0) || $0 == ascii("_") || $0 == ascii("-") }
    }

    /// Opaque to the caller; the store checks what it means.
    static func isCursor(_ text: String) -> Bool {
        matches(text, longest: 256) { byte in isAlphanumeric(byte) || Array("_.~:=-".utf8).contains(byte) }
    }

    /// A name or a URI of the consumer: what names and ordinary URIs are made of, and no other punctuation.
    static func isAudience(_ text: String) -> Bool {
        !text.contains("..")
            && matches(text, longest: 255) { byte in
                isAlphanumeric(byte) || Array("._~:/?#@%&=+-".utf8).contains(byte)
            }
    }

    /// Decimal digits only, within bounds; never traps on a long number (TA-11).
    static func integer(_ text: String, in bounds: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 19, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = Int(text), bounds.contains(value)
        else { return nil }
        return value
    }

    static func accepts(_ text: String, _ form: QueryParameter.Form) -> Bool {
        switch form {
        case .name: isName(text)
        case .nodeID: NodeID(text) != nil
        case .nodeState: NodeState(rawValue: text) != nil
        case .cursor: isCursor(text)
        case .audience: isAudience(text)
        case .flag: text == "true" || text == "false"
        case .integer(let bounds): integer(text, in: bounds) != nil
        }
    }

    private static func matches(_ text: String, longest: Int, _ allowed: (UInt8) -> Bool) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= longest, isAlphanumeric(first) else { return false }
        return text.utf8.allSatisfy(allowed)
    }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }
    private static func ascii(_ character: Unicode.Scalar) -> UInt8 { UInt8(ascii: character) }
}
