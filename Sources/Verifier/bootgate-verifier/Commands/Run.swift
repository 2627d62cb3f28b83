internal import ArgumentParser
internal import Logging
internal import ServiceLifecycle
internal import VerifierAPI
internal import VerifierStore

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Serves nodes, operators and consumers until SIGTERM.",
        discussion: """
            Both TLS listeners demand a client certificate from everyone: the enrollment listener a self-signed one, the \
            main listener one of a node or an operator. Bare health probes (/healthz, /readyz), metrics and the key set \
            are on the plain loopback listener, where listen.loopback switches it on.

            EXAMPLES
              bootgate-verifier run
              bootgate-verifier run --config ./verifier.toml --data-directory ./lab
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        var configuration = try options.read()
        LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
        var logger = Logger(label: "bootgate-verifier")
        logger.logLevel = Logger.Level(rawValue: configuration.logLevel) ?? .info
        if let most = DescriptorLimit.raise(), most < configuration.servers.caps.total {
            logger.warning(
                "fewer connections than limits.connections: the limit of open files is lower",
                metadata: ["connections": "\(most)", "configured": "\(configuration.servers.caps.total)"])
            configuration.servers.caps.total = most
        }
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
