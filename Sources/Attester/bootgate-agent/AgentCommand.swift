import ArgumentParser
import AttestationMessages
import Glibc
import VerifierClient

/// The agent's command line. One file for each verb.
@main
struct AgentCommand: AsyncParsableCommand {
    static let version = SoftwareVersion.text

    static let configuration = CommandConfiguration(
        commandName: "bootgate-agent",
        abstract: "Prove to a Bootgate verifier what this machine booted, from its TPM.",
        discussion: """
            Settings: /etc/bootgate/agent.toml, then /etc/bootgate/agent.d/*.toml in the order of their names; the later \
            wins. Of the environment only BOOTGATE_AGENT_LOG_LEVEL and BOOTGATE_AGENT_LOG_FORMAT are read: TPM, log paths \
            and the verifier's CA come from files alone. The agent opens no port and runs no program.

            Exit codes: 0 done or verdict pass, 2 verdict fail, 75 verdict error, 4 local precondition, 64 usage, \
            69 verifier unreachable, 70 internal error, 77 not allowed, 78 configuration wrong.

            EXAMPLES
              bootgate-agent run
              bootgate-agent once --config /etc/bootgate/agent.toml
              bootgate-agent capture --file evidence.json
              bootgate-agent capture --fingerprints-only -o json
              bootgate-agent status -o json
              bootgate-agent wait-admitted --timeout 300 && start-the-workload
            """,
        version: version,
        subcommands: [
            RunCommand.self, OnceCommand.self, CaptureCommand.self, StatusCommand.self, WaitAdmittedCommand.self,
            CheckConfigurationCommand.self,
        ])

    static func main() async {
        ClientEnvironment.clear()
        // A verifier that hangs up must give an error, not end the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            AgentFailure.exit(for: error)
        }
    }
}
