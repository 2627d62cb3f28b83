import ArgumentParser
import AttestationMessages
import VerifierClient

struct NodeWatch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Print each change of a node's state or verdict until interrupted.",
        discussion: """
            Asks every --interval seconds; an unreachable verifier is asked again. With --until it ends as soon as the node is \
            in that state; --timeout bounds it (exit code 75). With -o json each change is one object.

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
        guard (0.1...86400).contains(interval) else { throw ValidationError("--interval is 0.1 to 86400 seconds") }
        if let timeout, !(0...31_536_000).contains(timeout) {
            throw ValidationError("--timeout is 0 to 31536000 seconds")
        }
    }

    func run() async throws {
        let client = try connection.client()
        let clock = ContinuousClock()
        let deadline = timeout.map { clock.now + .seconds($0) }
        var last: NodeView?
        while true {
            let view = try await look(client, hasSeen: last != nil)
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

    /// The node now; nil while the verifier cannot be asked, which ends by itself. Everything else ends the watch.
    private func look(_ client: VerifierClient, hasSeen: Bool) async throws -> NodeView? {
        do {
            return try await client.node(node)
        } catch let error as VerifierClientError where error.code == .unreachable || (error.status ?? 0) >= 429 {
            if !hasSeen, StandardError.isTerminal { StandardError.write("waiting: \(error)") }
            return nil
        }
    }
}
