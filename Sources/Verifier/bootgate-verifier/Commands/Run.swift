internal import ArgumentParser
internal import Logging
internal import ServiceLifecycle
internal import VerifierStore

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Serves nodes, operators and consumers until SIGTERM.",
        discussion: """
            The health probes /healthz and /readyz need no certificate on the enrollment listener and on the loopback
            listener (listen.loopback); the main listener's TLS demands a client certificate from everyone.

            EXAMPLES
              bootgate-verifier run
              bootgate-verifier run --config ./verifier.toml --data-directory ./lab
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let configuration = try options.read()
        LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
        var logger = Logger(label: "bootgate-verifier")
        logger.logLevel = Logger.Level(rawValue: configuration.logLevel) ?? .info
        do {
            let group = try await Composition(configuration, logger: logger).serviceGroup()
            try await group.run()
        } catch let error as StoreOpeningError {
            StandardError.write("bootgate-verifier: \(error)\n")
            throw ExitCode(error.code == .corrupt ? ExitStatus.tampering : ExitStatus.storeUnusable)
        } catch let error as FileProblem {
            StandardError.write("bootgate-verifier: \(error)\n")
            throw ExitCode(ExitStatus.localPrecondition)
        } catch {
            StandardError.write("bootgate-verifier: \(error)\n")
            throw ExitCode(ExitStatus.software)
        }
    }
}
