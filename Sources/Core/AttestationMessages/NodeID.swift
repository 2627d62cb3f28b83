/// The name under which a node is enrolled: `[a-z0-9][a-z0-9-]{0,62}`, compared byte by byte (catalogue ID-23).
public struct NodeID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public static let maxLength = 63
    public let rawValue: String

    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= Self.maxLength, first != UInt8(ascii: "-"),
            bytes.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            })
        else { return nil }
        rawValue = text
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = NodeID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a node id is [a-z0-9][a-z0-9-]{0,62}")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public var description: String { rawValue }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
