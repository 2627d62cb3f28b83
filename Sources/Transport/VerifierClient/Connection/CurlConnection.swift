internal import CCurl

/// One libcurl easy handle and the connection it keeps alive. Used from one thread at a time: the client's.
@safe final class CurlConnection {
    private let handle: UnsafeMutableRawPointer
    private let headers: UnsafeMutablePointer<curl_slist>
    private let connectTo: UnsafeMutablePointer<curl_slist>
    /// Outlives the handle: OpenSSL's context points to it.
    private let tls: TLSConfiguration
    private let origin: String

    init(endpoint: VerifierEndpoint, credentials: ClientCredentials, userAgent: String) throws(VerifierClientError) {
        let problem = VerifierClientError(.configuration, "libcurl cannot be started")
        guard ClientEnvironment.isReady, let handle = unsafe curl_easy_init() else { throw problem }
        // The certificate's name goes into the URL, so that libcurl checks it; the connection goes to the host.
        let authority = "\(VerifierEndpoint.bracketed(endpoint.name)):\(endpoint.port)"
        let target = "\(authority):\(VerifierEndpoint.bracketed(endpoint.host)):\(endpoint.port)"
        // An empty Expect keeps libcurl from waiting for "100 Continue" before a large body.
        guard let headers = unsafe Self.list(["Expect:", "Accept: application/json"]),
            let connectTo = unsafe Self.list([target])
        else {
            unsafe curl_easy_cleanup(handle)
            throw problem
        }
        unsafe self.handle = unsafe handle
        unsafe self.headers = unsafe headers
        unsafe self.connectTo = unsafe connectTo
        origin = "https://\(authority)"
        do {
            tls = try TLSConfiguration(endpoint: endpoint, credentials: credentials)
        } catch {
            unsafe curl_easy_cleanup(handle)
            unsafe curl_slist_free_all(headers)
            unsafe curl_slist_free_all(connectTo)
            throw error
        }
        try configure(endpoint, credentials, userAgent)
    }

    deinit {
        unsafe curl_easy_cleanup(handle)
        unsafe curl_slist_free_all(headers)
        unsafe curl_slist_free_all(connectTo)
    }

    /// Sends a request and waits for its reply. Redirects, proxies, cookies and caches are off.
    func perform(_ request: HTTPRequest, cancellation: TransferCancellation) throws(VerifierClientError) -> HTTPReply {
        let collector = ReplyCollector(limit: request.replyLimit, cancellation: cancellation)
        try set(CURLOPT_URL, origin + request.path)
        try set(CURLOPT_TIMEOUT, request.timeoutSeconds)
        let reference = unsafe Unmanaged.passUnretained(collector).toOpaque()
        try unsafe check(bootgate_curl_set_pointer(handle, CURLOPT_WRITEDATA, reference))
        try unsafe check(bootgate_curl_set_pointer(handle, CURLOPT_XFERINFODATA, reference))
        let contentType = request.body == nil ? "Content-Type:" : "Content-Type: \(request.contentType)"
        guard let requestHeaders = unsafe Self.list(["Expect:", "Accept: application/json", contentType]) else {
            throw VerifierClientError(.configuration, "out of memory")
        }
        defer { unsafe curl_slist_free_all(requestHeaders) }
        try unsafe check(bootgate_curl_set_list(handle, CURLOPT_HTTPHEADER, requestHeaders))
        defer { resetRequest() }
        // Never an empty array: a nil pointer would make libcurl read the body from standard input.
        let body = request.body.map { $0.isEmpty ? [0] : $0 } ?? [0]
        let code = unsafe try body.withUnsafeBufferPointer { bytes throws(VerifierClientError) -> CURLcode in
            if request.method == .get || request.body == nil && request.method == .delete {
                try set(CURLOPT_HTTPGET, 1)
            } else {
                let size = curl_off_t(request.body?.count ?? 0)
                try unsafe check(bootgate_curl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, size))
                try set(CURLOPT_POST, 1)
                try unsafe check(bootgate_curl_set_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress))
            }
            try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
            return unsafe curl_easy_perform(handle)
        }
        guard code == CURLE_OK else { throw failure(code, collector) }
        var status = 0
        try unsafe check(bootgate_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status))
        var retryAfter: curl_off_t = 0
        try unsafe check(bootgate_curl_get_size(handle, CURLINFO_RETRY_AFTER, &retryAfter))
        return HTTPReply(
            status: status, body: collector.bytes, retryAfterSeconds: retryAfter > 0 ? Int(retryAfter) : nil)
    }

    // MARK: Set-up

    private func configure(
        _ endpoint: VerifierEndpoint, _ credentials: ClientCredentials, _ userAgent: String
    ) throws(VerifierClientError) {
        try unsafe check(bootgate_curl_set_list(handle, CURLOPT_CONNECT_TO, connectTo))
        try set(CURLOPT_PROTOCOLS_STR, "https")
        try set(CURLOPT_REDIR_PROTOCOLS_STR, "https")
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_PROXY, "")
        try set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_3))
        try set(CURLOPT_SSL_VERIFYPEER, 1)
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        try set(CURLOPT_SSL_SESSIONID_CACHE, 0)
        try set(CURLOPT_CAINFO, endpoint.caFile)
        // Debian's libcurl would also accept everything in /etc/ssl/certs.
        try unsafe check(bootgate_curl_set_string(handle, CURLOPT_CAPATH, nil))
        if !endpoint.pins.isEmpty {
            let pins = endpoint.pins.map { "sha256//" + StandardBase64.encode($0) }.joined(separator: ";")
            try set(CURLOPT_PINNEDPUBLICKEY, pins)
        }
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_CONNECTTIMEOUT, 10)
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_MAXCONNECTS, 1)
        try set(CURLOPT_USERAGENT, userAgent)
        try set(CURLOPT_NOPROGRESS, 0)
        try unsafe check(bootgate_curl_set_write(handle, Self.receive))
        try unsafe check(bootgate_curl_set_progress(handle, Self.progress))
        try unsafe check(bootgate_curl_set_ssl_context(handle, TLSConfiguration.apply))
        let reference = unsafe Unmanaged.passUnretained(tls).toOpaque()
        try unsafe check(bootgate_curl_set_pointer(handle, CURLOPT_SSL_CTX_DATA, reference))
        if case .pem(let certificates, let key) = credentials {
            try setBlob(CURLOPT_SSLCERT_BLOB, certificates)
            try setBlob(CURLOPT_SSLKEY_BLOB, key)
        }
    }

    /// Nothing of a finished request stays behind in the handle.
    private func resetRequest() {
        unsafe bootgate_curl_set_pointer(handle, CURLOPT_WRITEDATA, nil)
        unsafe bootgate_curl_set_pointer(handle, CURLOPT_XFERINFODATA, nil)
        unsafe bootgate_curl_set_pointer(handle, CURLOPT_POSTFIELDS, nil)
        unsafe bootgate_curl_set_list(handle, CURLOPT_HTTPHEADER, headers)
    }

    private static func list(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = unsafe curl_slist_append(list, line) else {
                unsafe curl_slist_free_all(list)
                return nil
            }
            unsafe list = unsafe longer
        }
        return unsafe list
    }

    private func set(_ option: CURLoption, _ value: Int) throws(VerifierClientError) {
        try unsafe check(bootgate_curl_set_long(handle, option, value))
    }
    private func set(_ option: CURLoption, _ value: String) throws(VerifierClientError) {
        try unsafe check(bootgate_curl_set_string(handle, option, value))
    }
    private func setBlob(_ option: CURLoption, _ bytes: [UInt8]) throws(VerifierClientError) {
        let code = unsafe bytes.withUnsafeBytes { buffer in
            unsafe bootgate_curl_set_blob(handle, option, buffer.baseAddress, buffer.count)
        }
        try check(code)
    }
    private func check(_ code: CURLcode) throws(VerifierClientError) {
        guard code == CURLE_OK else {
            throw VerifierClientError(.configuration, "libcurl: \(Self.text(code))")
        }
    }

    // MARK: Callbacks and errors

    private static let receive: bootgate_curl_write_callback = { bytes, size, count, reference in
        guard let bytes = unsafe bytes, let reference = unsafe reference else { return 0 }
        let (total, overflow) = size.multipliedReportingOverflow(by: count)
        guard !overflow else { return 0 }
        let collector = unsafe Unmanaged<ReplyCollector>.fromOpaque(reference).takeUnretainedValue()
        return unsafe collector.append(UnsafeRawBufferPointer(start: bytes, count: total)) ? total : 0
    }

    private static let progress: bootgate_curl_progress_callback = { reference, _, _, _, _ in
        guard let reference = unsafe reference else { return 0 }
        let collector = unsafe Unmanaged<ReplyCollector>.fromOpaque(reference).takeUnretainedValue()
        return collector.cancellation.isCancelled ? 1 : 0
    }

    private static func text(_ code: CURLcode) -> String { unsafe String(cString: curl_easy_strerror(code)) }

    private func failure(_ code: CURLcode, _ collector: ReplyCollector) -> VerifierClientError {
        if let signing = tls.externalKey?.takeFailure() {
            return VerifierClientError(.signing, "the client key did not sign: \(signing)")
        }
        if let refusal = tls.takeRefusal() {
            return VerifierClientError(.untrustedVerifier, "not the verifier: \(refusal)")
        }
        if collector.isOverLimit { return VerifierClientError(.replyTooLarge, "the reply is longer than allowed") }
        let message = Self.text(code)
        switch code {
        case CURLE_ABORTED_BY_CALLBACK: return VerifierClientError(.cancelled, "cancelled")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_ISSUER_ERROR:
            return VerifierClientError(.untrustedVerifier, "not the verifier: \(message)")
        case CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return VerifierClientError(.configuration, message)
        default: return VerifierClientError(.unreachable, message)
        }
    }
}
