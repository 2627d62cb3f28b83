internal import AssetFingerprints

/// The lines of `/etc/sudoers` and of all files that it includes (sudoers(5), "Including other files from within
/// sudoers"). Rules are shown, not interpreted.
struct SudoPolicy {
    static let maxBytes = 4 << 20
    static let maxFiles = 256
    static let maxDepth = 16

    let files: HostFiles

    func rules() throws(HostInventoryError) -> [Account] {
        var rules: [Account] = []
        var seen: Set<String> = []
        try read("/etc/sudoers", depth: 0, &seen, &rules)
        return rules
    }

    private func read(
        _ path: String, depth: Int, _ seen: inout Set<String>, _ rules: inout [Account]
    ) throws(HostInventoryError) {
        guard depth < Self.maxDepth, seen.count < Self.maxFiles else {
            throw .tooLarge(path: path, limit: depth < Self.maxDepth ? Self.maxFiles : Self.maxDepth)
        }
        guard seen.insert(path).inserted else { return }
        let lines: [String]
        do {
            lines = try files.lines(of: path, maxBytes: Self.maxBytes) ?? []
        } catch {
            // An agent without the right to read the policy says so, instead of reporting that there is none.
            guard case .unreadable = error else { throw error }
            rules.append(.sudoRule(file: path, rule: "(not readable by the agent)"))
            return
        }
        for line in Self.effectiveLines(lines) {
            switch Self.directive(line) {
            case .rule: rules.append(.sudoRule(file: path, rule: line))
            case .include(let name):
                try read(Self.absolute(name, from: path), depth: depth + 1, &seen, &rules)
            case .includeFolder(let name):
                let folder = Self.absolute(name, from: path)
                // A folder that is not there includes nothing, as for sudo.
                guard let names = try? files.names(in: folder, maxCount: 4_096) else { continue }
                // sudo skips these, so that editors' and packages' backups have no effect.
                for name in names where !name.hasSuffix("~") && !name.contains(".") {
                    try read("\(folder)/\(name)", depth: depth + 1, &seen, &rules)
                }
            }
        }
    }

    enum Directive: Hashable {
        case rule
        case include(String)
        case includeFolder(String)
    }

    static func directive(_ line: String) -> Directive {
        guard let first = line.first, first == "@" || first == "#" else { return .rule }
        let words = line.dropFirst().split(separator: " ", maxSplits: 1).map(String.init)
        guard words.count == 2 else { return .rule }
        let name =
            words[1].hasPrefix("\"") && words[1].hasSuffix("\"") ? String(words[1].dropFirst().dropLast()) : words[1]
        return switch words[0] {
        case "include": .include(name)
        case "includedir": .includeFolder(name)
        default: .rule
        }
    }

    /// Joins continuation lines, drops comments and makes each run of blanks outside quotes one blank.
    static func effectiveLines(_ lines: [String]) -> [String] {
        var effective: [String] = []
        var pending: [UInt8] = []
        for line in lines {
            var bytes = Array(line.utf8)
            let continues = bytes.last == UInt8(ascii: "\\")
            if continues { bytes.removeLast() }
            pending += bytes
            guard !continues else {
                pending.append(0x20)
                continue
            }
            if let text = normalized(pending) { effective.append(text) }
            pending = []
        }
        if let text = normalized(pending) { effective.append(text) }
        return effective
    }

    /// Nil for what is blank or a comment. `#` begins a comment unless digits (a user id) or an include follow it.
    private static func normalized(_ bytes: [UInt8]) -> String? {
        var result: [UInt8] = []
        var quoted = false
        var escaped = false
        var blank = false
        for (index, byte) in bytes.enumerated() {
            if !quoted, !escaped, byte == UInt8(ascii: "#") {
                let rest = bytes[(index + 1)...]
                let isNumber = rest.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
                let isInclude =
                    result.isEmpty && (rest.starts(with: "include ".utf8) || rest.starts(with: "includedir ".utf8))
                if !isNumber && !isInclude { break }
            }
            if !quoted, !escaped, byte == 0x20 || byte == 0x09 {
                blank = !result.isEmpty
                continue
            }
            if blank { result.append(0x20) }
            blank = false
            if byte == UInt8(ascii: "\""), !escaped { quoted.toggle() }
            escaped = byte == UInt8(ascii: "\\") && !escaped
            result.append(byte)
        }
        return result.isEmpty ? nil : String(decoding: result, as: UTF8.self)
    }

    private static func absolute(_ name: String, from path: String) -> String {
        if name.hasPrefix("/") { return name }
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/\(name)"
    }
}
