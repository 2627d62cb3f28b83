/// Why a call did not give its reply. Grows by cases of ``Code`` without breaking callers.
package struct VerifierClientError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The settings are unusable: URL, CA file, certificate or key. Exit code 78.
        case configuration
        /// The private key's file can be read by others than its owner (TA-17). Exit code 4.
        case keyPermissions
        /// No connection, or it broke: name not resolved, refused, timed out, reset. Exit code 69.
        case unreachable
        /// Somebody answered who is not the verifier: chain, name or pin do not fit (TA-18). Exit code 69.
        case untrustedVerifier
        /// The external key could not sign the handshake.
        case signing
        /// The reply is longer than the call allows.
        case replyTooLarge
        /// The reply's body is not what the protocol says.
        case malformedReply
        /// The verifier answered with a status other than success: `status` and `problemCode` say which.
        case refused
        /// The calling task was cancelled.
        case cancelled
    }

    package var code: Code
    /// For people; holds no bytes of the peer's.
    package var message: String
    /// HTTP status of a refusal.
    package var status: Int?
    /// Stable code of the refusal's `Problem`, as sent: attacker-controlled if the verifier is.
    package var problemCode: String?
    package var reference: String?
    package var detail: String?
    /// Set with 409 to a byte-identical resend: the first verdict's id.
    package var verdictID: String?
    /// Set with `IMA_OFFSET`: the byte of the measurement list that the verifier wants.
    package var offset: Int?
    /// Seconds the verifier asks the caller to wait.
    package var retryAfterSeconds: Int?

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// `CLI_KEY_PERMS` and the like where the catalogue names one, else nil.
    package var reasonCode: String? { code == .keyPermissions ? "CLI_KEY_PERMS" : problemCode }

    /// The exit code of command-line.md that the three programs give for this error.
    package var exitCode: Int32 {
        switch code {
        case .configuration: 78
        case .keyPermissions: 4
        case .unreachable, .untrustedVerifier, .signing, .cancelled: 69
        case .replyTooLarge, .malformedReply: 70
        // A safety check of the verifier's (RV-15).
        case .refused where problemCode == "REF_PREVIEW" || problemCode == "PLAN_FAILURES": 3
        case .refused:
            switch status {
            case 400, 404, 409, 413, 422: 65
            case 401, 403: 77
            case 412, 428: 3
            case 429, 502, 503, 504: 69
            default: 70
            }
        }
    }

    package var description: String {
        var text = message
        if let problemCode { text += " (\(problemCode)" + (reference.map { ", reference \($0))" } ?? ")") }
        if let detail { text += ": \(detail)" }
        return text
    }
}
