/// Textual encodings of keys and certificates (RFC 7468): reads any line length, writes 64 columns.
public enum PEM {
    /// The blocks of one label, in the order of the text.
    ///
    /// - Throws: ``ParsingError`` (offsets count UTF-8 bytes of the text) for a block without an end, with another end
    ///   label, or whose body is not canonical Base64. A text without any such block gives an empty list.
    public static func blocks(_ text: String, label: String) throws(ParsingError) -> [[UInt8]] {
        let begin = "-----BEGIN \(label)-----"
        let end = "-----END \(label)-----"
        var blocks: [[UInt8]] = []
        var body: String?
        var offset = 0
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let trimmed = trim(line)
            if trimmed == begin {
                guard body == nil else { throw broken(offset, "a block begins inside another one") }
                body = ""
            } else if let collected = body, trimmed == end {
                guard let bytes = decodeBase64(collected) else { throw broken(offset, "the body is not Base64") }
                blocks.append(bytes)
                body = nil
            } else if let collected = body {
                guard !trimmed.hasPrefix("-----") else { throw broken(offset, "another end than \(end)") }
                body = collected + trimmed
            }
            offset += line.utf8.count + 1
        }
        guard body == nil else { throw broken(offset, "\(end) is missing") }
        return blocks
    }

    public static func encode(_ bytes: [UInt8], label: String) -> String {
        var text = "-----BEGIN \(label)-----\n"
        var column = 0
        for character in encodeBase64(bytes) {
            text.append(character)
            column += 1
            if column % 64 == 0 { text.append("\n") }
        }
        if column % 64 != 0 { text.append("\n") }
        return text + "-----END \(label)-----\n"
    }

    private static func broken(_ offset: Int, _ reason: String) -> ParsingError {
        ParsingError(field: "PEM", offset: offset, problem: .malformed(reason))
    }

    private static func trim(_ line: Substring) -> String {
        var line = line
        while let last = line.last, last.isWhitespace { line.removeLast() }
        while let first = line.first, first.isWhitespace { line.removeFirst() }
        return String(line)
    }

    private static func encodeBase64(_ bytes: [UInt8]) -> String {
        var text = String(
            Base64URL.encode(bytes).map { character -> Character in
                character == "-" ? "+" : character == "_" ? "/" : character
            })
        while text.utf8.count % 4 != 0 { text.append("=") }
        return text
    }

    private static func decodeBase64(_ text: String) -> [UInt8]? {
        guard text.utf8.count % 4 == 0, !text.contains("-"), !text.contains("_") else { return nil }
        var body = Substring(text)
        for _ in 0..<2 where body.last == "=" { body.removeLast() }
        return Base64URL.decode(
            String(body.map { character -> Character in character == "+" ? "-" : character == "/" ? "_" : character }))
    }
}
