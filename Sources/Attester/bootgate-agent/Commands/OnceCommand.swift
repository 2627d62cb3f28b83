import ArgumentParser
import AttestationMessages
import AttesterSession

struct OnceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "once", abstract: "Enroll where needed, attest once, and give the verdict as exit code.",
        discussion: """
            Exit codes: 0 pass, 2 fail, 75 error or still pending, 69 verifier unreachable, 77 refused.

            EXAMPLES
              bootgate-agent once && echo admitted
            """)

    @OptionGroup var options: CommonOptions
    @Option(name: [.customShort("o"), .long], help: "table or json.") var output = OutputFormat.table

    func run() async throws {
        let host = try SessionHost.make(options)
        let verdict: Verdict
        switch await host.session.once() {
        case .success(let value): verdict = value
        case .failure(let failure):
            // Pending is not "not allowed": the node may be approved any moment.
            if failure.code == "AGENT_PENDING" { throw AgentFailure(75, ["AGENT_PENDING: \(failure.message)"]) }
            throw failure
        }
        StandardStream.output.write(
            output == .json ? "{\"verdict\":\"\(verdict.rawValue)\"}\n" : "verdict: \(verdict.rawValue)\n")
        switch verdict {
        case .pass: return
        case .fail: throw ExitCode(2)
        case .error: throw ExitCode(75)
        }
    }
}
