internal import ByteParsing
internal import COpenSSL
public import TPMStructures

/// HMAC over the algorithms of ``MessageDigest``.
public enum MessageAuthentication {
    public static func hmac(_ algorithm: HashAlgorithm, key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: algorithm.digestSize) { output, count in
            // HMAC takes a null key as "the key of the call before": an empty array must not become one.
            let usedKey = key.isEmpty ? [0] : key
            let done = unsafe HMAC(
                digestMethod(algorithm), usedKey, CInt(usedKey.count), message, message.count, output.baseAddress, nil)
            precondition(unsafe done != nil, "libcrypto computes HMAC of every algorithm that it was built with")
            count = algorithm.digestSize
        }
    }

    public static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] { hmac(.sha256, key: key, message) }

    /// Compares secrets in a time that depends on the lengths only.
    public static func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && (unsafe CRYPTO_memcmp(left, right, left.count)) == 0
    }

    private static func digestMethod(_ algorithm: HashAlgorithm) -> OpaquePointer? {
        switch algorithm {
        case .sha1: unsafe EVP_sha1()
        case .sha256: unsafe EVP_sha256()
        case .sha384: unsafe EVP_sha384()
        case .sha512: unsafe EVP_sha512()
        case .sm3: unsafe EVP_sm3()
        }
    }
}

/// The TPM's key derivation functions (Part 1, "Key Derivation Function").
public enum KeyDerivation {
    /// KDFa: SP 800-108 in counter mode over HMAC.
    ///
    /// - Parameters:
    ///   - label: without its terminating zero, which this adds.
    ///   - bits: a multiple of 8, above zero.
    public static func kdfa(
        _ hash: HashAlgorithm, key: [UInt8], label: String, contextU: [UInt8], contextV: [UInt8], bits: UInt32
    ) -> [UInt8] {
        derive(size: Int(bits / 8)) { counter in
            var block = ByteWriter()
            block.writeBigEndian(counter)
            block.write(label.utf8)
            block.writeBigEndian(UInt8(0))
            block.write(contextU)
            block.write(contextV)
            block.writeBigEndian(bits)
            return MessageAuthentication.hmac(hash, key: key, block.bytes)
        }
    }

    /// KDFe: SP 800-56A concatenation over a plain hash.
    ///
    /// - Parameters:
    ///   - z: x coordinate of the shared point, as long as the field.
    ///   - use: without its terminating zero, which this adds.
    public static func kdfe(
        _ hash: HashAlgorithm, z: [UInt8], use: String, partyU: [UInt8], partyV: [UInt8], bits: UInt32
    ) -> [UInt8] {
        derive(size: Int(bits / 8)) { counter in
            var block = ByteWriter()
            block.writeBigEndian(counter)
            block.write(z)
            block.write(use.utf8)
            block.writeBigEndian(UInt8(0))
            block.write(partyU)
            block.write(partyV)
            return MessageDigest.hash(block.bytes, hash).bytes
        }
    }

    private static func derive(size: Int, _ block: (UInt32) -> [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var counter: UInt32 = 1
        while output.count < size {
            output += block(counter)
            counter += 1
        }
        return Array(output.prefix(size))
    }
}
