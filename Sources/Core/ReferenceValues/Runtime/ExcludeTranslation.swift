/// Turns the regular expressions of Keylime's exclude lists into ``PathGlob``s where both stand for the same measured paths.
///
/// Keylime matches at the beginning of a path and not at its end (`re.match`), so `/tmp` also excludes `/tmpfile`; what a
/// translation gives says the same, openly.
enum ExcludeTranslation {
    /// - Returns: nil where no pattern means the same.
    static func globs(_ expression: String) -> [String]? {
        var text = expression[...]
        if text.first == "^" { text = text.dropFirst() }
        var isWhole = false
        if text.last == "$", !text.hasSuffix("\\$") {
            isWhole = true
            text = text.dropLast()
        }
        var isOpen = !isWhole
        if text.hasSuffix(".*"), !text.hasSuffix("\\.*") {
            isOpen = true
            text = text.dropLast(2)
        }
        guard let literal = literal(text), literal.first == "/", !literal.contains("?") else { return nil }
        let globs: [String] =
            if !isOpen { [literal] } else if literal.hasSuffix("/") { [literal + "**"] } else {
                [literal + "*", literal + "*/**"]
            }
        return globs.allSatisfy { (try? PathGlob($0)) != nil } ? globs : nil
    }

    /// The text that an expression without alternatives stands for; `[^/]*` becomes `*`.
    private static func literal(_ text: Substring) -> String? {
        var literal = ""
        var rest = text
        while let character = rest.first {
            if rest.hasPrefix("[^/]*") {
                literal.append("*")
                rest = rest.dropFirst(5)
                continue
            }
            rest = rest.dropFirst()
            if character == "\\" {
                // Letters and digits behind a backslash are classes and references.
                guard let escaped = rest.popFirst(), escaped.isASCII, !escaped.isLetter, !escaped.isNumber,
                    escaped != "*"
                else { return nil }
                literal.append(escaped)
            } else if ".^$*+?{}[]()|".contains(character) {
                return nil
            } else {
                literal.append(character)
            }
            // A quantifier says how often, not what.
            if let next = rest.first, "*+?{".contains(next) { return nil }
        }
        return literal
    }
}
