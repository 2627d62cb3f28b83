/// A word of GRUB script before expansion, in the parts that expand by different rules (GRUB 2.06,
/// grub-core/script/yylex.l).
struct GRUBWord: Hashable, Sendable {
    enum Part: Hashable, Sendable {
        /// Outside of quotes: `*` and `?` are wildcards.
        case text([UInt8])
        /// A character behind a backslash outside of quotes.
        case escaped(UInt8)
        /// Between quotes; also makes an argument of nothing.
        case quoted([UInt8])
        /// `$name`: split at white space.
        case variable(String)
        /// `"$name"`: not split.
        case quotedVariable(String)
        /// `$"…"`: translated where a language is set.
        case translated([UInt8])
    }
    var parts: [Part]
    /// As written: decides whether it is a reserved word.
    var raw: [UInt8]
    var line: Int
}

/// `{ … }` as an argument: the text between the braces, exactly as written.
struct GRUBBlock: Hashable, Sendable {
    var text: [UInt8]
    var line: Int
}

indirect enum GRUBCommand: Hashable, Sendable {
    case simple([GRUBWord], GRUBBlock?, line: Int)
    case conditional([Branch], otherwise: [GRUBCommand], line: Int)
    case loop(variable: String, words: [GRUBWord], body: [GRUBCommand], line: Int)
    case repeated(condition: [GRUBCommand], body: [GRUBCommand], until: Bool, line: Int)

    struct Branch: Hashable, Sendable {
        var condition: [GRUBCommand]
        var body: [GRUBCommand]
    }
}

enum GRUBStatement: Hashable, Sendable {
    case command(GRUBCommand)
    case function(name: String, body: [GRUBCommand])
}

/// The text of a configuration as GRUB's reader hands it to the parser (normal/main.c, `read_config_file_getline`): without
/// carriage returns, and of a file without the lines that begin with `#`, wherever they stand.
struct GRUBSource: Sendable {
    /// Far above real configurations (tens of KiB); bounds the memory that parsing costs.
    static let maximumSize = 1 << 20

    let name: String
    let bytes: [UInt8]
    /// Where each kept line starts, and its number in the file.
    private let starts: [(offset: Int, line: Int)]

    init(_ name: String, _ content: [UInt8], isFile: Bool, firstLine: Int = 1) throws(GRUBError) {
        func refuse(_ line: Int, _ reason: String) -> GRUBError {
            GRUBError(kind: .limit, file: name, line: line, construct: "configuration", reason: reason)
        }
        guard content.count <= Self.maximumSize else {
            throw refuse(firstLine, "\(content.count) bytes, the limit is \(Self.maximumSize)")
        }
        var bytes: [UInt8] = []
        var starts: [(Int, Int)] = []
        var number = firstLine
        for line in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            defer { number += 1 }
            guard !line.contains(0) else { throw refuse(number, "holds a NUL byte") }
            if isFile, line.first == UInt8(ascii: "#") { continue }
            starts.append((bytes.count, number))
            bytes += line.lazy.filter { $0 != 0x0D }
            bytes.append(UInt8(ascii: "\n"))
        }
        self.name = name
        self.bytes = bytes
        self.starts = starts
    }

    func line(at offset: Int) -> Int {
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle].offset <= offset { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? 1 : starts[low - 1].line
    }
}
