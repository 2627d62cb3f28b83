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
            Tells systemd READY=1 where NOTIFY_SOCKET is set. Logs one line for each event to standard error.

            EXAMPLES
              bootgate-agent run
              BOOTGATE_AGENT_LOG_FORMAT=logfmt bootgate-agent run --config ./agent.toml
            """)

    @OptionGroup var options: CommonOptions

    func run() async throws {
        let host = try SessionHost.make(options)
        let session = host.session
        let work = Task { await session.run() }
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { work.cancel() }
            source.resume()
            return source
        }
        host.configuration.logger.info(
            "started", metadata: ["code": "AGENT_STARTED", "version": "\(AgentCommand.version)"])
        ServiceManager.notify("READY=1")
        await work.value
        ServiceManager.notify("STOPPING=1")
        for source in sources { source.cancel() }
    }
}
