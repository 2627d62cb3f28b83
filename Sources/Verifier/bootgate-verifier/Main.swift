internal import ArgumentParser
internal import AttestationMessages

@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootgate-verifier",
        abstract: "Decides which nodes may join the network, from evidence rooted in their TPMs.",
        discussion: """
            EXAMPLES
              bootgate-verifier init --name verifier.example.net --operator alice:viewer,enroller,security-admin \\
                  --operator bob:viewer,approver --operator carol:auditor
              bootgate-verifier check-config
              bootgate-verifier run

            SIGTERM ends it after at most 10 s of draining; SIGHUP reads certificates, keys and trust roots again.
            Exit codes: 0 done, 4 local precondition, 5 tampering found, 6 store unusable, 64 usage, 70 internal, \
            78 configuration wrong (all problems are listed).
            """,
        version: Version.text,
        subcommands: [Initialize.self, Run.self, CheckConfiguration.self, RotateResultKey.self])
}

enum Version {
    static let text = SoftwareVersion.text
}

/// Where the configuration is.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "Configuration file; drop-ins lie beside it in verifier.d/*.toml.")
    var file = ConfigurationReader.defaultFile

    @Option(help: "Directory of the store, keys and certificates; wins over the configuration.")
    var dataDirectory: String?

    func read() throws -> VerifierConfiguration {
        do {
            return try ConfigurationReader.read(file: file, dataDirectory: dataDirectory)
        } catch {
            StandardError.write("bootgate-verifier: the configuration is wrong:\n\(error)\n")
            throw ExitCode(ExitStatus.configuration)
        }
    }
}
