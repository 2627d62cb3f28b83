internal import AttestingEnvironment
internal import ESAPI
internal import VerifierClient

/// Why a step failed, in the terms that the next step depends on.
package struct SessionFailure: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Nobody answers, or not the verifier.
        case unreachable
        /// The verifier refused: HTTP status and stable code.
        case refused(Int, String?)
        /// The verifier's answer is not acceptable (TA-19).
        case badChallenge
        /// The TPM did not do what was asked.
        case device
        /// Something of the node itself: files, configuration.
        case local
        case cancelled
    }
    package var kind: Kind
    /// Stable reason code for the log: `AGENT_…`, or the verifier's own code.
    package var code: String
    /// For people; may hold text of the verifier's.
    package var message: String
    package var retryAfterSeconds: Int?

    package init(_ kind: Kind, code: String, message: String, retryAfterSeconds: Int? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
    }

    package init(_ error: any Error) {
        switch error {
        case let failure as SessionFailure: self = failure
        case is CancellationError: self.init(.cancelled, code: "AGENT_STOPPED", message: "stopped")
        case let error as VerifierClientError: self.init(error)
        case let error as TPMError:
            self.init(.device, code: "AGENT_TPM", message: "\(error)")
        case let error as EnvironmentError:
            self.init(.local, code: error.code.rawValue, message: "\(error)")
        default: self.init(.local, code: "AGENT_INTERNAL", message: "\(error)")
        }
    }

    private init(_ error: VerifierClientError) {
        let (kind, code): (Kind, String) =
            switch error.code {
            case .refused: (.refused(error.status ?? 0, error.problemCode), error.problemCode ?? "AGENT_REFUSED")
            case .unreachable: (.unreachable, "AGENT_UNREACHABLE")
            case .untrustedVerifier: (.unreachable, "AGENT_UNTRUSTED_VERIFIER")
            case .cancelled: (.cancelled, "AGENT_STOPPED")
            case .signing: (.device, "AGENT_TPM")
            case .malformedReply, .replyTooLarge: (.badChallenge, "AGENT_BAD_REPLY")
            case .configuration, .keyPermissions: (.local, "AGENT_CONFIGURATION")
            }
        self.init(kind, code: code, message: "\(error)", retryAfterSeconds: error.retryAfterSeconds)
    }

    /// Exit code of `once` (command-line.md).
    package var exitCode: Int32 {
        switch kind {
        case .unreachable: 69
        case .refused(401, _), .refused(403, _): 77
        case .refused(429, _), .refused(502, _), .refused(503, _), .refused(504, _): 69
        case .refused, .badChallenge, .device, .local: 75
        case .cancelled: 75
        }
    }
}
