import ArgumentParser
import AttestationMessages
import VerifierClient

struct NodeWatch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Print each change of a node's state or verdict until interrupted.",
        discussion: """
            Asks every --interval seconds. With --until it ends as soon as the node is in that state; --timeout bounds it
            (exit code 75).

            EXAMPLES
              bootgate node watch edge-01
              bootgate node watch edge-01 --until trusted --timeout 120
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "Seconds between two looks.") var interval: Double = 2
    @Option(help: "End when the node is in this state.") var until: NodeState?
    @Option(help: "Give up after this many seconds.") var timeout: Double?

    func validate() throws {
        if interval < 0.1 { throw ValidationError("--interval is at least 0.1 seconds") }
    }

    func run() async throws {
        let client = try connection.client()
        let clock = ContinuousClock()
        let deadline = timeout.map { clock.now + .seconds($0) }
        var last: NodeView?
        while true {
            let view = try? await client.node(node)
            if let view, view.state != last?.state || view.lastVerdict?.verdictID != last?.lastVerdict?.verdictID {
                try output.write(view) {
                    let verdict = view.lastVerdict.map { "\($0.verdict.rawValue) \($0.reasons.joined(separator: ","))" }
                    return TerminalText.escaped(
                        "\(view.nodeID)  \(view.state.rawValue)  \(verdict ?? "no verdict yet")")
                }
                last = view
            }
            if let until, view?.state == until { return }
            if let deadline, clock.now >= deadline {
                throw Failure(
                    .verdictError, "\(node) is \(last?.state.rawValue ?? "unknown") after \(timeout ?? 0) s",
                    nextStep: "bootgate node explain \(node)")
            }
            try await Task.sleep(for: .seconds(interval))
        }
    }
}
