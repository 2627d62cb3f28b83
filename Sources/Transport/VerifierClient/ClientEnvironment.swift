internal import CCurl
internal import Glibc

/// Keeps the process environment out of the connection.
package enum ClientEnvironment {
    /// Variables by which libcurl and OpenSSL would take orders: proxies, configuration files, engines, CA stores, and
    /// SSLKEYLOGFILE, which would write the session keys to a file.
    package static let ignoredVariables = [
        "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "CURL_CA_BUNDLE",
        "SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_MODULES",
        "OPENSSL_ENGINES", "NETRC", "CURL_HOME",
    ]

    /// Removes ``ignoredVariables`` from this process. Programs call it first, while there is one thread; the first
    /// client calls it in any case.
    package static func clear() {
        for name in ignoredVariables { unsafe unsetenv(name) }
    }

    /// libcurl's process-wide state, made once.
    static let isReady: Bool = {
        clear()
        return bootgate_curl_global_init() == CURLE_OK
    }()
}
