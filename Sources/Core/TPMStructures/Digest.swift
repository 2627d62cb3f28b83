internal import ByteParsing

/// A hash value together with the algorithm that made it. The only initializer checks the length.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    public let algorithm: HashAlgorithm
    /// Exactly `algorithm.digestSize` bytes.
    public let bytes: [UInt8]

    /// - Returns: nil when `bytes` is not as long as the algorithm's digest.
    public init?(algorithm: HashAlgorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.digestSize else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    public static func zero(_ algorithm: HashAlgorithm) -> Digest {
        Digest(unchecked: algorithm, [UInt8](repeating: 0, count: algorithm.digestSize))
    }

    public static func ones(_ algorithm: HashAlgorithm) -> Digest {
        Digest(unchecked: algorithm, [UInt8](repeating: 0xFF, count: algorithm.digestSize))
    }

    private init(unchecked algorithm: HashAlgorithm, _ bytes: [UInt8]) {
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Lower-case hexadecimal without the algorithm.
    public var hex: String { Hex.encode(bytes) }
    /// `sha256:ab…`.
    public var description: String { "\(algorithm.name):\(hex)" }

    /// Reads `sha256:<hex>`; nil for an unknown algorithm or a wrong length.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let algorithm = HashAlgorithm(rawValue: String(parts[0])),
            let bytes = Hex.decode(parts[1])
        else { return nil }
        self.init(algorithm: algorithm, bytes: bytes)
    }
}
