public import TPMStructures

/// A hash algorithm as IMA names it in front of a file's digest (hash_algo_name, crypto/hash_info.c).
public enum IMAHashAlgorithm: String, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    case md4, md5, sha1, rmd160, sha256, sha384, sha512, sha224, rmd128, rmd256, rmd320, wp256, wp384, wp512
    case tgr128, tgr160, tgr192, streebog256, streebog512
    case sm3
    case sha3x256 = "sha3-256"
    case sha3x384 = "sha3-384"
    case sha3x512 = "sha3-512"

    /// The name's bytes, without the colon; nil for what no kernel writes. Kernels before 5.19 write `sm3-256`.
    public init?(_ name: some Sequence<UInt8>) {
        let text = String(decoding: Array(name), as: UTF8.self)
        if text == "sm3-256" {
            self = .sm3
        } else {
            self.init(rawValue: text)
        }
    }

    /// Digest size in bytes (hash_digest_size, crypto/hash_info.c).
    public var digestSize: Int {
        switch self {
        case .md4, .md5, .rmd128, .tgr128: 16
        case .sha1, .rmd160, .tgr160: 20
        case .tgr192: 24
        case .sha224: 28
        case .sha256, .rmd256, .wp256, .sm3, .streebog256, .sha3x256: 32
        case .rmd320: 40
        case .sha384, .wp384, .sha3x384: 48
        case .sha512, .wp512, .streebog512, .sha3x512: 64
        }
    }

    /// The same algorithm where TPM banks and references know it.
    public var hashAlgorithm: HashAlgorithm? {
        switch self {
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        case .sm3: .sm3
        default: nil
        }
    }

    public var description: String { rawValue }
}
