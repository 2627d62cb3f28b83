import ArgumentParser
import AttestationMessages
import AttesterSession
import JSONCoding

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

    private struct Answer: Encodable {
        var nodeID: NodeID?
        var sound = true
    }

    func run() throws {
        let node = try AgentConfiguration.load(from: options.config, needsVerifier: true).session?.nodeID
        switch output {
        case .json: StandardStream.output.write(try StrictJSON.encode(Answer(nodeID: node), pretty: true) + [0x0A])
        case .table: StandardStream.output.write("configuration is sound: node \(node?.rawValue ?? "")\n")
        }
    }
}
