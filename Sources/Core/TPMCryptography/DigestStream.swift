internal import COpenSSL
public import TPMStructures

/// SHA-256 of something larger than memory should hold, piece by piece.
public struct DigestStream: Sendable {
    private var context = SHA256_CTX()

    public init() { unsafe SHA256_Init(&context) }

    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            _ = unsafe SHA256_Update(&context, buffer.baseAddress, buffer.count)
        }
    }

    /// The digest of all pieces so far.
    public var digest: Digest {
        var copy = context
        var bytes = [UInt8](repeating: 0, count: HashAlgorithm.sha256.digestSize)
        unsafe SHA256_Final(&bytes, &copy)
        return Digest(algorithm: .sha256, bytes: bytes) ?? .zero(.sha256)
    }
}
