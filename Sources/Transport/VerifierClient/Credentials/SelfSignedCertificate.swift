internal import CCurl

/// A self-signed certificate over an external key: the proof of possession on the enrollment listener (Protocol.md).
package enum SelfSignedCertificate {
    /// Makes a version 3 certificate, ECDSA with SHA-256, valid from 1970 to 9999 (the node's clock may be dead, and the
    /// verifier judges the key, not the dates), with the serial number 1 and no extensions.
    ///
    /// - Parameter commonName: Subject and issuer; 1–64 bytes.
    /// - Returns: DER.
    package static func make(commonName: String, key: ExternalKey) throws(VerifierClientError) -> [UInt8] {
        let handle = try ExternalKeyHandle(key)
        let problem = VerifierClientError(.configuration, "cannot build the self-signed certificate")
        guard (1...64).contains(commonName.utf8.count), let certificate = unsafe X509_new() else { throw problem }
        defer { unsafe X509_free(certificate) }
        let name = Array(commonName.utf8)
        unsafe try handle.withKey { pkey throws(VerifierClientError) in
            let isBuilt =
                unsafe X509_set_version(certificate, 2) == 1
                && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1
                && ASN1_TIME_set_string(X509_getm_notBefore(certificate), "19700101000000Z") == 1
                && ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1
                && X509_NAME_add_entry_by_txt(
                    X509_get_subject_name(certificate), "CN", V_ASN1_UTF8STRING, name, Int32(name.count), -1, 0) == 1
                && X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1
                && X509_set_pubkey(certificate, pkey) == 1
            guard isBuilt else { throw problem }
            guard unsafe X509_sign(certificate, pkey, EVP_sha256()) > 0 else {
                throw VerifierClientError(.signing, "the node key did not sign: \(handle.takeFailure() ?? "refused")")
            }
        }
        let size = unsafe i2d_X509(certificate, nil)
        guard size > 0 else { throw problem }
        return unsafe [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            var cursor = buffer.baseAddress
            count = Int(unsafe i2d_X509(certificate, &cursor))
        }
    }
}
