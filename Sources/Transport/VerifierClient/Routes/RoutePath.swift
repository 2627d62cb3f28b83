internal import ByteParsing

/// Builds a request path: each variable part is one encoded segment, so that no value can name another route.
struct RoutePath {
    private var path: String
    private var separator: Character = "?"

    init(_ segments: String...) { path = segments.map { "/" + Self.encode($0) }.joined() }

    /// Appends `name=value` where there is a value.
    func query(_ name: String, _ value: String?) -> RoutePath {
        guard let value else { return self }
        var longer = self
        longer.path += "\(separator)\(name)=\(Self.encode(value))"
        longer.separator = "&"
        return longer
    }

    var text: String { path }

    /// RFC 3986: everything but the unreserved characters becomes percent and two digits. A segment of dots only would
    /// be read as a step in the tree, so its dots are encoded too.
    static func encode(_ value: String) -> String {
        let isDots = !value.isEmpty && value.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
        var text: [UInt8] = []
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.append(byte)
            case UInt8(ascii: ".") where !isDots: text.append(byte)
            default: text += Array("%".utf8) + Array(Hex.encode([byte]).uppercased().utf8)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
