import ArgumentParser
import AttesterSession
import AttestingEnvironment
import ESAPI
import Glibc
import VerifierClient

/// Why a command ends without having done its work: lines for people and an exit code of command-line.md.
struct AgentFailure: Error {
    var exitCode: Int32
    var lines: [String]

    init(_ exitCode: Int32, _ lines: [String]) {
        self.exitCode = exitCode
        self.lines = lines
    }

    /// Prints the error and ends the process with its code.
    static func exit(for error: any Error) -> Never {
        let failure: AgentFailure
        switch error {
        case let known as AgentFailure: failure = known
        case let known as EnvironmentError: failure = AgentFailure(78, ["\(known)"])
        case let known as VerifierClientError: failure = AgentFailure(known.exitCode, ["\(known)"])
        case let known as TPMError: failure = AgentFailure(75, ["AGENT_TPM: \(known)"])
        case let known as SessionFailure: failure = AgentFailure(known.exitCode, ["\(known.code): \(known.message)"])
        default: AgentCommand.exit(withError: error)
        }
        for line in failure.lines { StandardStream.error.write("bootgate-agent: \(EscapedText.line(line))\n") }
        Glibc.exit(failure.exitCode)
    }
}
