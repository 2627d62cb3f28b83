internal import COpenSSL
public import TPMStructures

/// Hashing with the algorithms of PCR banks, through libcrypto's low-level functions (84–95 ns for 64 bytes, against
/// 333–584 ns for EVP with its implicit fetch: stack.md, section 4). SM3 has no low-level interface and goes through EVP.
public enum MessageDigest {
    /// The digest of `bytes`.
    public static func hash(_ bytes: [UInt8], _ algorithm: HashAlgorithm) -> Digest {
        hash(bytes.span, algorithm)
    }

    /// The digest of the bytes of a span, without a copy.
    public static func hash(_ bytes: Span<UInt8>, _ algorithm: HashAlgorithm) -> Digest {
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: algorithm.digestSize) { output, count in
            unsafe bytes.withUnsafeBufferPointer { input in
                unsafe digestInto(output.baseAddress!, input, algorithm)
            }
            count = algorithm.digestSize
        }
        return Digest(algorithm: algorithm, bytes: digest)!
    }

    /// Writes the digest of `bytes` into `output` from `offset` on, without an allocation.
    ///
    /// - Precondition: `algorithm.digestSize` bytes lie there.
    public static func hash(
        _ bytes: Span<UInt8>, into output: inout [UInt8], at offset: Int, _ algorithm: HashAlgorithm
    ) {
        precondition(
            offset >= 0 && offset + algorithm.digestSize <= output.count, "the digest lies inside the output")
        unsafe output.withUnsafeMutableBufferPointer { output in
            unsafe bytes.withUnsafeBufferPointer { input in
                guard let start = output.baseAddress else { return }
                unsafe digestInto(start + offset, input, algorithm)
            }
        }
    }

    /// `output` may lie inside `input`: it is written after the last byte was read.
    static func digestInto(
        _ output: UnsafeMutablePointer<UInt8>, _ input: UnsafeBufferPointer<UInt8>, _ algorithm: HashAlgorithm
    ) {
        switch algorithm {
        case .sha1:
            var context = SHA_CTX()
            unsafe SHA1_Init(&context)
            unsafe SHA1_Update(&context, input.baseAddress, input.count)
            unsafe SHA1_Final(output, &context)
        case .sha256:
            var context = SHA256_CTX()
            unsafe SHA256_Init(&context)
            unsafe SHA256_Update(&context, input.baseAddress, input.count)
            unsafe SHA256_Final(output, &context)
        case .sha384:
            var context = SHA512_CTX()
            unsafe SHA384_Init(&context)
            unsafe SHA512_Update(&context, input.baseAddress, input.count)
            unsafe SHA384_Final(output, &context)
        case .sha512:
            var context = SHA512_CTX()
            unsafe SHA512_Init(&context)
            unsafe SHA512_Update(&context, input.baseAddress, input.count)
            unsafe SHA512_Final(output, &context)
        case .sm3:
            let done = unsafe EVP_Digest(input.baseAddress, input.count, output, nil, EVP_sm3(), nil)
            precondition(done == 1, "libcrypto of Debian 12 holds SM3")
        }
    }
}
