internal import CCurl
internal import Glibc

/// What libcurl cannot set by options: the name check inside the handshake, dates, an external key.
///
/// libcurl checks the name after the handshake; here it is part of the chain's verification, so that a peer with the
/// wrong name does not even get the client's certificate.
final class TLSConfiguration {
    private let endpoint: VerifierEndpoint
    private let certificates: [[UInt8]]
    let externalKey: ExternalKeyHandle?
    /// Why the last handshake refused the peer's chain. libcurl tells it only for some of the reasons.
    private var refusal: String?

    init(endpoint: VerifierEndpoint, credentials: ClientCredentials) throws(VerifierClientError) {
        self.endpoint = endpoint
        if case .external(let certificates, let key) = credentials {
            guard !certificates.isEmpty else {
                throw VerifierClientError(.configuration, "an external key needs its certificate")
            }
            self.certificates = certificates
            externalKey = try ExternalKeyHandle(key)
        } else {
            certificates = []
            externalKey = nil
        }
    }

    /// Reading it forgets it.
    func takeRefusal() -> String? {
        defer { refusal = nil }
        return refusal
    }

    private static let verify: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = {
        store, reference in
        guard let store = unsafe store, let reference = unsafe reference else { return 0 }
        guard unsafe X509_verify_cert(store) != 1 else { return 1 }
        let configuration = unsafe Unmanaged<TLSConfiguration>.fromOpaque(reference).takeUnretainedValue()
        configuration.refusal = unsafe String(
            cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(store))))
        return 0
    }

    /// Applied to each new SSL_CTX before the handshake.
    static let apply: bootgate_curl_ssl_context_callback = { _, sslContext, reference in
        guard let sslContext = unsafe sslContext, let reference = unsafe reference else {
            return CURLE_ABORTED_BY_CALLBACK
        }
        let configuration = unsafe Unmanaged<TLSConfiguration>.fromOpaque(reference).takeUnretainedValue()
        return unsafe configuration.apply(to: OpaquePointer(sslContext)) ? CURLE_OK : CURLE_SSL_CERTPROBLEM
    }

    private func apply(to context: OpaquePointer) -> Bool {
        guard let parameters = unsafe SSL_CTX_get0_param(context) else { return false }
        if !endpoint.checksDates {
            guard unsafe X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_NO_CHECK_TIME)) == 1 else {
                return false
            }
        }
        let name = endpoint.name
        let isAddress = name.contains(":") || name.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 }
        let isNamed =
            isAddress
            ? unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1
            : unsafe X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count) == 1
        guard isNamed else { return false }
        let reference = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe SSL_CTX_set_cert_verify_callback(context, Self.verify, reference)
        guard let externalKey else { return true }
        return
            unsafe (try? externalKey.withKey { pkey throws(VerifierClientError) in
                try unsafe use(pkey, in: context)
            }) != nil
    }

    private func use(_ pkey: OpaquePointer, in context: OpaquePointer) throws(VerifierClientError) {
        let problem = VerifierClientError(.configuration, "the client certificate cannot be used")
        for (index, der) in certificates.enumerated() {
            let certificate = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
                var cursor = bytes.baseAddress
                return unsafe d2i_X509(nil, &cursor, bytes.count)
            }
            guard let certificate = unsafe certificate else { throw problem }
            defer { unsafe X509_free(certificate) }
            let isTaken =
                index == 0
                ? unsafe SSL_CTX_use_certificate(context, certificate) == 1
                : unsafe bootgate_ssl_ctx_add_chain(context, certificate) == 1
            guard isTaken else { throw problem }
        }
        guard unsafe SSL_CTX_use_PrivateKey(context, pkey) == 1 else { throw problem }
    }
}
