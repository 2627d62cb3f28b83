import ArgumentParser
import Glibc
import VerifierClient

/// Why a verb ends without success: what a person reads on standard error, and the exit code for scripts.
struct Failure: Error {
    var status: ExitStatus
    /// One or more lines; escaped when printed.
    var message: String
    /// What to do next, where that is known.
    var nextStep: String?

    init(_ status: ExitStatus, _ message: String, nextStep: String? = nil) {
        self.status = status
        self.message = message
        self.nextStep = nextStep
    }

    /// The only place that ends the process with an error.
    static func exit(for error: any Error) -> Never {
        switch error {
        case let failure as Failure:
            if !failure.message.isEmpty { StandardError.write("error: \(failure.message)") }
            if let nextStep = failure.nextStep { StandardError.write("next:  \(nextStep)") }
            Glibc.exit(failure.status.rawValue)
        case let error as VerifierClientError:
            StandardError.write("error: \(error)")
            if let step = nextStep(after: error) { StandardError.write("next:  \(step)") }
            Glibc.exit(error.exitCode)
        default:
            // Usage errors, --help and --version: ArgumentParser knows their text and code (64, 0). A usage error repeats
            // what was passed on, so it goes through the same door as all other text.
            let code = BootgateCommand.exitCode(for: error)
            guard code != .success else { BootgateCommand.exit(withError: error) }
            StandardError.write(BootgateCommand.fullMessage(for: error))
            Glibc.exit(code.rawValue)
        }
    }

    private static func nextStep(after error: VerifierClientError) -> String? {
        switch error.code {
        case .keyPermissions: "chmod 600 the key file; only its owner may read it"
        case .unreachable: "is the verifier running, and does verifier.url name its main listener?"
        case .untrustedVerifier:
            "compare verifier.ca-file and verifier.name with the verifier's own; never switch the check off"
        case .configuration:
            "do operator.certificate and operator.key belong together? bootgate --help says where settings come from"
        case .refused:
            switch error.problemCode {
            case "API_ROLE": "ask a security-admin for the role that this verb needs (bootgate operator list)"
            case "API_UNKNOWN": "the list verb of the same noun shows what there is"
            case "REF_PREVIEW": "see who would fail: bootgate reference preview NAME"
            case "PLAN_FAILURES":
                "bootgate plan show NAME says who was updated; update or plan the others, or close with --accept-failures"
            case "ROLLOUT_OPEN": "bootgate reference rollout show NAME; bootgate reference rollout halt NAME stops it"
            case "PLAN_OPEN": "bootgate plan list --open; then bootgate plan close NAME"
            case "REF_NEEDS_APPROVAL": "another operator, with another key, has to approve"
            default: nil
            }
        default: nil
        }
    }
}

enum StandardError {
    static func write(_ text: String) {
        let line = Array((TerminalText.escaped(text, keepingLines: true) + "\n").utf8)
        Descriptor.writeAll(line, to: STDERR_FILENO)
    }

    /// Progress goes to standard error, and only where a person watches.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
