import ArgumentParser
import AttestationMessages
import AttesterSession

struct CheckConfigurationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Read the configuration as run would, and list all problems; touches neither TPM nor network.",
        discussion: """
            Exit codes: 0 sound, 78 configuration wrong (all problems are listed).

            EXAMPLES
              bootgate-agent check-config && systemctl restart bootgate-agent
              bootgate-agent check-config --config ./agent.toml -o json
            """)

    @OptionGroup var options: CommonOptions
    @Option(name: [.customShort("o"), .long], help: "table or json.") var output = OutputFormat.table

    func run() throws {
        let configuration = try AgentConfiguration.load(from: options.config, needsVerifier: true)
        let node = configuration.session?.nodeID.rawValue ?? ""
        StandardStream.output.write(
            output == .json
                ? "{\"nodeID\":\"\(node)\",\"sound\":true}\n" : "configuration is sound: node \(node)\n")
    }
}
