import ArgumentParser
import SecurityEvents

enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
    case json, csv
}

/// `-o json|csv` of the verbs that print a whole archive.
struct ExportOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "json (one object), or csv (RFC 4180).")
    var format: ExportFormat = .json

    func write(_ value: some Encodable, header: [String], rows: [[String]]) throws {
        switch format {
        case .json: StandardOutput.write(try JSONText.encode(value))
        case .csv: StandardOutput.write(([header] + rows).map(CSVEncoder.line).joined(separator: "\n"))
        }
    }

    /// `key=value` pairs in the order of their keys, for a column that holds many.
    static func pairs(_ detail: [String: String]) -> String {
        detail.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
    }
}
