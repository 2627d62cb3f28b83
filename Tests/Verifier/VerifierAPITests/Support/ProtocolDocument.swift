import AttestationMessages

/// The routes and roles that Protocol.md promises, read from its tables: the tests' own source, apart from the code's.
struct ProtocolDocument {
    struct Row: Hashable {
        var method: String
        var path: String
        var roles: String
    }
    let rows: [Row]

    init(_ text: String) {
        var rows: [Row] = []
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingSpaces }
            let calls = cells[0].split(separator: "`").map { String($0).trimmingSpaces }.filter { $0.contains("/") }
            let roles = cells.count > 2 ? cells[1].split(separator: ",").map(\.trimmingSpaces) : []
            for (index, call) in calls.enumerated() {
                let parts = call.split(separator: " ", maxSplits: 1)
                let path = String(parts[1].prefix { $0 != "?" })
                // `GET /v1/siem`, `POST /v1/siem/test` | viewer, security-admin: one role each, where they are as many.
                let role =
                    calls.count > 1 && calls.count == roles.count ? roles[index] : roles.joined(separator: ", ")
                for expanded in Self.expand(path) {
                    rows.append(Row(method: String(parts[0]), path: expanded, roles: role))
                }
            }
        }
        self.rows = rows
    }

    /// `/x/{a,b}` → `/x/a`, `/x/b`; captures stay.
    private static func expand(_ path: String) -> [String] {
        guard let open = path.lastIndex(of: "{"), let close = path.lastIndex(of: "}") else { return [path] }
        let names = path[path.index(after: open)..<close].split(separator: ",")
        guard names.count > 1 else { return [path] }
        return names.map { String(path[..<open]) + $0 + path[path.index(after: close)...] }
    }
}

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
