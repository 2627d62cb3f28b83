import ArgumentParser
import AttesterSession
import Dispatch
import Glibc
import HostProcess
import Logging

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Enroll where needed and attest until stopped (SIGTERM, SIGINT).",
        discussion: """
            Under systemd it tells readiness, one line of status, and its end, and feeds the watchdog (Type=notify, \
            WatchdogSec). Logs one line for each event to standard error.

            EXAMPLES
              bootgate-agent run
              BOOTGATE_AGENT_LOG_FORMAT=logfmt bootgate-agent run --config ./agent.toml
            """)

    @OptionGroup var options: CommonOptions

    func run() async throws {
        let watchdog = Watchdog()
        let host = try SessionHost.make(options, watchdog: watchdog)
        let session = host.session
        let work = Task { await session.run() }
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                ServiceManager.notify(.stopping, .status("stopping"))
                work.cancel()
            }
            source.resume()
            return source
        }
        host.configuration.logger.info(
            "started", metadata: ["code": "AGENT_STARTED", "version": "\(AgentCommand.version)"])
        // AG-06: whoever starts the agent takes its rights away; it says where that was not done.
        let excess = ProcessPrivileges.current()?.excess(over: ProcessPrivileges.agentCapabilities) ?? []
        if !excess.isEmpty {
            host.configuration.logger.warning(
                "runs with more rights than it needs; the package's unit takes them away",
                metadata: ["code": "AGENT_PRIVILEGES", "excess": "\(excess.joined(separator: ", "))"])
        }
        ServiceManager.notify(.ready)
        await work.value
        for source in sources { source.cancel() }
    }
}
