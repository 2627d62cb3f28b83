import ArgumentParser
import FoundationEssentials
import Glibc

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// `-o table|json` of every verb.
struct OutputOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "table for people, json (stable) for scripts.")
    var format: OutputFormat = .table

    /// Prints one JSON object, or the text that `table` makes.
    func write(_ value: some Encodable, table: () -> String) throws {
        switch format {
        case .json: StandardOutput.write(try JSONText.encode(value))
        case .table: StandardOutput.write(table())
        }
    }
}

enum JSONText {
    /// Sorted keys, indented, slashes as they are; C1 and bidirectional controls as `\u` escapes, which JSON leaves open.
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return TerminalText.escapedJSON(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}

enum StandardOutput {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    static func write(_ text: String) {
        let line = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
        Descriptor.writeAll(line, to: STDOUT_FILENO)
    }
}

/// Columns with a header, aligned by spaces; cells are escaped here so that no verb can forget it.
struct TextTable {
    private var rows: [[String]]

    init(_ header: String...) { rows = [header] }

    mutating func add(_ cells: String?...) { rows.append(cells.map { TerminalText.escaped($0 ?? "-") }) }

    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }.joined()
        }.joined(separator: "\n")
    }
}

/// `Name:  value` lines, aligned; values are escaped, lines without a value left out.
struct FieldList {
    private var fields: [(String, String)] = []

    mutating func add(_ name: String, _ value: String?) {
        if let value { fields.append((name, TerminalText.escaped(value))) }
    }

    var text: String {
        let width = fields.map(\.0.count).max() ?? 0
        return fields.map { name, value in
            name + ":" + String(repeating: " ", count: width - name.count + 2) + value
        }.joined(separator: "\n")
    }
}
