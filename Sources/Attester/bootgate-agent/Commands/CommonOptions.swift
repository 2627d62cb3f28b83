import ArgumentParser
import AttesterSession
import AttestingEnvironment
import ESAPI
import HostProcess

struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "Main configuration file; its drop-ins lie in the folder with .d for .toml.")
    var config: String?
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case table, json }

/// What `run` and `once` share: a session over the exclusive right to the state directory.
struct SessionHost: ~Copyable {
    let session: AttesterSession
    let configuration: AgentConfiguration
    private let lock: StateLock

    static func make(_ options: CommonOptions, watchdog: Watchdog = Watchdog()) throws -> SessionHost {
        let configuration = try AgentConfiguration.load(from: options.config, needsVerifier: true)
        guard var settings = configuration.session else { throw AgentFailure(78, ["the verifier is not configured"]) }
        // A call that may last longer than the manager's patience would be taken for a hang.
        if let interval = watchdog.interval {
            settings.callTimeoutSeconds = max(1, min(settings.callTimeoutSeconds, Int(clamping: interval / 1000)))
        }
        let state = try StateDirectory.open(configuration.stateDirectory)
        let lock = try state.lock()
        let session = AttesterSession(
            configuration: settings, tpm: TPM(tcti: configuration.tcti), state: state,
            publication: PublicDirectory(configuration.statusDirectory),
            inventory: NodeInventory(root: configuration.inventoryRoot),
            bootID: try BootIdentity.read(path: configuration.bootIDFile),
            logger: configuration.logger, watchdog: watchdog)
        return SessionHost(session: session, configuration: configuration, lock: lock)
    }

    private init(session: AttesterSession, configuration: AgentConfiguration, lock: consuming StateLock) {
        self.session = session
        self.configuration = configuration
        self.lock = lock
    }
}
