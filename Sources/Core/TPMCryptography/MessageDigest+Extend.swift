internal import COpenSSL
public import TPMStructures

extension MessageDigest {
    /// TPM2_PCR_Extend (Part 3, section 22.2) in place: `register := H(register ‖ digest)`, without an allocation.
    ///
    /// - Parameters:
    ///   - registers: Registers of one bank, one behind the other.
    ///   - offset: Where in `registers` the register of `algorithm.digestSize` bytes begins.
    ///   - digest: What is extended; its length is not judged here.
    /// - Precondition: the register lies inside `registers`; callers compute `offset` from a checked ``PCRIndex``.
    public static func extend(
        _ registers: inout [UInt8], at offset: Int, with digest: Span<UInt8>, _ algorithm: HashAlgorithm
    ) {
        let size = algorithm.digestSize
        precondition(offset >= 0 && offset + size <= registers.count, "the register lies inside the bank")
        unsafe registers.withUnsafeMutableBufferPointer { registers in
            unsafe digest.withUnsafeBufferPointer { digest in
                let register = unsafe UnsafeMutableBufferPointer(rebasing: registers[offset..<offset + size])
                unsafe extendInto(register, digest, algorithm)
            }
        }
    }

    private static func extendInto(
        _ register: UnsafeMutableBufferPointer<UInt8>, _ digest: UnsafeBufferPointer<UInt8>, _ algorithm: HashAlgorithm
    ) {
        switch algorithm {
        case .sha1:
            var context = SHA_CTX()
            unsafe SHA1_Init(&context)
            unsafe SHA1_Update(&context, register.baseAddress, register.count)
            unsafe SHA1_Update(&context, digest.baseAddress, digest.count)
            unsafe SHA1_Final(register.baseAddress, &context)
        case .sha256:
            var context = SHA256_CTX()
            unsafe SHA256_Init(&context)
            unsafe SHA256_Update(&context, register.baseAddress, register.count)
            unsafe SHA256_Update(&context, digest.baseAddress, digest.count)
            unsafe SHA256_Final(register.baseAddress, &context)
        case .sha384:
            var context = SHA512_CTX()
            unsafe SHA384_Init(&context)
            unsafe SHA384_Update(&context, register.baseAddress, register.count)
            unsafe SHA384_Update(&context, digest.baseAddress, digest.count)
            unsafe SHA384_Final(register.baseAddress, &context)
        case .sha512:
            var context = SHA512_CTX()
            unsafe SHA512_Init(&context)
            unsafe SHA512_Update(&context, register.baseAddress, register.count)
            unsafe SHA512_Update(&context, digest.baseAddress, digest.count)
            unsafe SHA512_Final(register.baseAddress, &context)
        case .sm3:
            let message = unsafe Array(register) + Array(digest)
            let result = hash(message, .sm3).bytes
            for index in result.indices { unsafe register[index] = result[index] }
        }
    }
}
