internal import CCurl

/// How long a certificate says it lives.
package enum CertificateLife {
    /// Seconds from notBefore to notAfter, whatever the date is now; nil when the bytes are no certificate or its dates
    /// are in the wrong order.
    package static func seconds(der: [UInt8]) -> Int64? {
        let certificate = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var cursor = bytes.baseAddress
            return unsafe d2i_X509(nil, &cursor, bytes.count)
        }
        guard let certificate = unsafe certificate else { return nil }
        defer { unsafe X509_free(certificate) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard
            unsafe ASN1_TIME_diff(
                &days, &seconds, X509_get0_notBefore(certificate), X509_get0_notAfter(certificate)) == 1
        else { return nil }
        let life = Int64(days) * 86_400 + Int64(seconds)
        return life > 0 ? life : nil
    }
}
