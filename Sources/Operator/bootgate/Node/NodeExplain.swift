import Appraisal
import ArgumentParser
import AttestationMessages
import JSONCoding
import VerifierClient

struct NodeExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "The 3-a.m. screen: which layer broke, what changed, since when, what to do.",
        discussion: """
            Compares the boot that failed with the last good one, event by event, names the likely cause and the next step, \
            and says which other nodes show the same. One screen of 80 by 40; --all shows everything.

            EXAMPLES
              bootgate node explain edge-01
              bootgate node explain edge-01 --compare 1a20b738a8afee454c7f8f47f193c8a --all
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID
    @Option(help: "Compare with this verdict's boot instead of the last good one.") var compare: String?
    @Flag(help: "Every change and every layer, however long.") var all = false

    func run() async throws {
        let client = try connection.client()
        let explanation = try await NodeExplanation.gather(node, comparingWith: compare, from: client)
        try output.write(explanation) {
            all ? explanation.screen.wholeText : explanation.screen.text
        }
    }
}

/// What `node explain` prints.
struct NodeExplanation: Encodable {
    var node: NodeView
    /// The verdict that is explained.
    var verdict: VerdictSummary?
    /// The fail that stuck: what `node clear` must name.
    var verdictToClear: String?
    var firstBrokenLayer: String?
    var firstDivergentEvent: JSONValue?
    var layers: [JSONValue]
    /// The set that judged; nil where none did.
    var reference: JSONValue?
    var lastPass: VerdictSummary?
    var firstFailure: VerdictSummary?
    /// What changed since the last good boot; nil with `comparisonMissing`.
    var comparison: BootDifference?
    var comparisonMissing: String?
    /// Other failed nodes with a finding of the same id that saw the same; at most 32.
    var alsoAffected: [NodeID]
    var alsoAffectedTruncated: Bool
    var lastReboot: RebootView?
    /// In which registers the node stands alone among its peers.
    var peers: String?
    /// The node's part in an open change plan.
    var plan: PlanNodeView?
    var nextStep: String

    static func gather(
        _ id: NodeID, comparingWith other: String?, from client: VerifierClient
    ) async throws -> NodeExplanation {
        let node = try await client.node(id)
        let view = try await client.explanation(of: id, comparingWith: other)
        var explanation = NodeExplanation(
            node: node, verdict: view.verdict, verdictToClear: view.verdictToClear,
            firstBrokenLayer: view.verdict?.firstBrokenLayer,
            firstDivergentEvent: nil, layers: [],
            lastPass: view.verdict?.verdict == .pass ? view.verdict : view.lastGood, firstFailure: view.brokenSince,
            comparison: try view.comparison.map(BootDifference.init), comparisonMissing: view.comparisonMissing,
            alsoAffected: view.sameElsewhere, alsoAffectedTruncated: view.sameElsewhereTruncated,
            lastReboot: view.lastReboot, peers: view.peers, plan: view.plan,
            nextStep: NodeNextStep.text(for: node, view))
        if let verdict = view.verdict {
            let detail = try await client.verdict(of: id, verdictID: verdict.verdictID)
            explanation.firstDivergentEvent = detail.result["firstDivergentEvent"]
            explanation.layers = detail.result["layers"]?.array ?? []
            explanation.reference = detail.result["reference"]
        }
        return explanation
    }

    var screen: NodeExplanationScreen { NodeExplanationScreen(self) }
}

/// The verifier's comparison of two boots.
struct BootDifference: Codable {
    var same: Bool
    /// The bank that the digests are of.
    var bank: String
    var changedRegisters: [Int]
    var causes: [BootChangeCause]
    var changes: [BootChange]
    /// How many there are; `changes` holds the first of them.
    var changeCount: Int

    init(_ document: JSONValue) throws {
        let limits = StrictJSONLimits(maxBytes: .max, maxValues: .max, allowsFractions: true)
        self = try StrictJSON.decode(Self.self, from: StrictJSON.encode(document), limits: limits)
    }
}

/// What to do about a node, by its state.
enum NodeNextStep {
    static func text(for node: NodeView, _ explanation: NodeExplanationView) -> String {
        let clear =
            "then bootgate node clear \(node.nodeID) --verdict \(explanation.verdictToClear ?? "ID") --reason '…'"
        switch node.state {
        case .trusted: return "none; the node is trusted"
        case .pending where node.lifecycle == .pending:
            return "check that this machine is yours, then bootgate node approve \(node.nodeID)"
        case .pending:
            return
                "the node has no passing evidence yet; bootgate reference list shows whether its group has an active set"
        case .stale:
            return
                "no evidence in time: check the site's power and link, then the agent (bootgate-agent status on the node)"
        case .suspended: return "bootgate node resume \(node.nodeID) when the reason is gone"
        case .revoked: return "final; enroll a repaired machine under a new node id"
        case .untrusted where explanation.verdict?.showsOtherKernel == true:
            return
                "find out who started that kernel; reboot the node, so that the TPM measures what runs: until then all its "
                + "evidence fails; \(clear)"
        case .untrusted:
            return "find the cause on site or in the change calendar; if it was planned, approve new reference values; "
                + clear
        }
    }
}

extension VerdictSummary {
    /// Another kernel runs than the one that the registers tell of.
    var showsOtherKernel: Bool { reasons.contains(ContinuityCheck.ID.bootWithoutReset) }
}
