/// RFC 4180 lines for spreadsheets: every cell quoted, and a cell that a spreadsheet would read as a formula prefixed with
/// an apostrophe (CWE-1236).
public enum CSVEncoder {
    /// One line without its end. Controls appear in their printable form.
    public static func line(_ cells: [String]) -> String {
        cells.map { cell in
            var text = SecurityEventText.printable(cell)
            if let first = text.unicodeScalars.first, "=+-@".unicodeScalars.contains(first) { text = "'" + text }
            var quoted = "\""
            for scalar in text.unicodeScalars {
                if scalar == "\"" { quoted += "\"" }
                quoted.unicodeScalars.append(scalar)
            }
            return quoted + "\""
        }.joined(separator: ",")
    }
}
