/// ECDSA-Sig-Value of X.509 and TLS (RFC 3279, section 2.2.3): a SEQUENCE of two INTEGERs.
enum ECDSASignatureDER {
    /// - Parameters: big-endian unsigned integers as a TPM gives them, with or without leading zeros, at most 66 bytes.
    static func encode(r: [UInt8], s: [UInt8]) -> [UInt8] {
        let body = integer(r) + integer(s)
        // Two P-521 integers make at most 138 bytes: one length octet, or 0x81 and one.
        let length = body.count < 128 ? [UInt8(body.count)] : [0x81, UInt8(truncatingIfNeeded: body.count)]
        return [0x30] + length + body
    }

    private static func integer(_ magnitude: [UInt8]) -> [UInt8] {
        var bytes = Array(magnitude.drop { $0 == 0 })
        // Non-negative and minimal: a zero octet before a set top bit, and zero itself is one octet.
        if bytes.isEmpty || bytes[0] & 0x80 != 0 { bytes.insert(0, at: 0) }
        return [0x02, UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
}
