internal import ByteParsing
public import TPMStructures

/// A digest as the kernel measures it: of a file's or buffer's content, or fs-verity's of a file (template field d-ngv2).
public struct FileDigest: Hashable, Sendable, CustomStringConvertible {
    public var digest: Digest
    public var isVerity: Bool

    public init(_ digest: Digest, isVerity: Bool = false) {
        self.digest = digest
        self.isVerity = isVerity
    }

    private static let verity = "verity:"

    /// Reads `sha256:<hex>` or `verity:sha256:<hex>`; nil for an unknown algorithm or a wrong length.
    public init?(_ text: String) {
        let isVerity = text.hasPrefix(Self.verity)
        guard let digest = Digest(isVerity ? String(text.dropFirst(Self.verity.count)) : text) else { return nil }
        self.init(digest, isVerity: isVerity)
    }

    public var description: String { isVerity ? Self.verity + digest.description : digest.description }

    /// Which of the tables of a ``DigestIndex`` it lies in.
    var kind: Int { Self.kind(digest.algorithm, isVerity: isVerity) }
    static func kind(_ algorithm: HashAlgorithm, isVerity: Bool) -> Int {
        let place =
            switch algorithm {
            case .sha1: 0
            case .sha256: 1
            case .sha384: 2
            case .sha512: 3
            case .sm3: 4
            }
        return place * 2 + (isVerity ? 1 : 0)
    }
    static let kindCount = HashAlgorithm.allCases.count * 2
    /// By the place that ``kind(_:isVerity:)`` gives each.
    private static let algorithms: [HashAlgorithm] = [.sha1, .sha256, .sha384, .sha512, .sm3]
    static func algorithm(ofKind kind: Int) -> HashAlgorithm { algorithms[kind / 2] }
}

/// One line of a list of references: a digest, a space, and the path or name, as `sha256sum` and the kernel's own list
/// write them; the rest of the line after the space is the path, spaces included.
public struct ReferenceLine: Hashable, Sendable {
    public var digest: FileDigest
    /// Not empty, without NUL.
    public var path: [UInt8]

    /// Bytes of a path: Linux's PATH_MAX.
    public static let maximumPath = 4096

    public init(digest: FileDigest, path: [UInt8]) {
        self.digest = digest
        self.path = path
    }

    /// - Returns: nil for anything but a digest, one space and a path.
    public init?(_ line: String) {
        let utf8 = line.utf8
        guard let space = utf8.firstIndex(of: UInt8(ascii: " ")), let digest = FileDigest(String(line[..<space])) else {
            return nil
        }
        let path = Array(utf8[utf8.index(after: space)...])
        guard (1...Self.maximumPath).contains(path.count), !path.contains(0) else { return nil }
        self.init(digest: digest, path: path)
    }

    /// - Returns: nil for a path that is not UTF-8: no document can name it.
    public var text: String? { String(validating: path, as: UTF8.self).map { "\(digest) \($0)" } }
}
