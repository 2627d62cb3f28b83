import ArgumentParser
internal import AttestationMessages
import AttesterSession
import AttestingEnvironment
import JSONCoding

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what the agent last did, from what it published.",
        discussion: """
            Exit codes: 0 shown, 75 no agent has run. Whether the node is admitted now: wait-admitted --timeout 0.

            EXAMPLES
              bootgate-agent status
              bootgate-agent status -o json | jq .lastVerdict
            """)

    @OptionGroup var options: CommonOptions
    @Option(name: [.customShort("o"), .long], help: "table or json.") var output = OutputFormat.table

    func run() throws {
        let configuration = try AgentConfiguration.load(from: options.config, needsVerifier: false)
        guard let status = try AgentStatus.load(PublicDirectory(configuration.statusDirectory)) else {
            throw AgentFailure(
                75,
                [
                    "no agent has run with \(configuration.statusDirectory)",
                    "next: systemctl start bootgate-agent; then: systemctl status bootgate-agent",
                ])
        }
        if output == .json {
            StandardStream.output.write(try StrictJSON.encode(status, pretty: true) + [0x0A])
            return
        }
        let view = AdmissionView(
            status, bootID: try BootIdentity.read(path: configuration.bootIDFile), now: .now())
        let rows: [(String, String?)] = [
            ("node", status.nodeID.rawValue), ("admitted now", view.text), ("membership", status.membership),
            ("process", String(status.processID)), ("boot id", status.bootID),
            ("last verdict", status.lastVerdict?.rawValue), ("verdict id", status.lastVerdictID),
            ("failures in a row", String(status.failuresInARow)), ("last failure", status.lastFailureCode),
            ("reason", status.lastFailure),
        ]
        for (name, value) in rows {
            guard let value else { continue }
            let padding = String(repeating: " ", count: 18 - name.count)
            StandardStream.output.write("\(name)\(padding)  \(EscapedText.line(value))\n")
        }
    }
}
