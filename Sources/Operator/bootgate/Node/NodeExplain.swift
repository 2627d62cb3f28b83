import ArgumentParser
import AttestationMessages
import VerifierClient

struct NodeExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "The 3-a.m. screen: which layer broke, what changed, since when, what to do.",
        discussion: """
            Reads the node, its last verdict, the last one that passed, and who else shows the same reason.

            EXAMPLES
              bootgate node explain edge-01
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Node id.") var node: NodeID

    func run() async throws {
        let client = try connection.client()
        let explanation = try await NodeExplanation.gather(node, from: client)
        try output.write(explanation) { explanation.text }
    }
}

/// What `node explain` prints.
struct NodeExplanation: Encodable {
    var node: NodeView
    var firstBrokenLayer: String?
    var firstDivergentEvent: JSONValue?
    var layers: [JSONValue]
    var lastPass: VerdictSummary?
    var firstFailure: VerdictSummary?
    /// Other nodes whose last verdict shows one of the same reasons.
    var alsoAffected: [NodeID]
    var nextStep: String

    static func gather(_ id: NodeID, from client: VerifierClient) async throws -> NodeExplanation {
        let node = try await client.node(id)
        var explanation = NodeExplanation(
            node: node, firstBrokenLayer: node.lastVerdict?.firstBrokenLayer, firstDivergentEvent: nil, layers: [],
            lastPass: nil, firstFailure: nil, alsoAffected: [], nextStep: "")
        if let last = node.lastVerdict {
            let detail = try await client.verdict(of: id, verdictID: last.verdictID)
            explanation.firstDivergentEvent = detail.result["firstDivergentEvent"]
            explanation.layers = detail.result["layers"]?.array ?? []
            let history = try await client.verdicts(of: id, Listing(limit: 200)).items
            explanation.lastPass = history.first { $0.verdict == .pass }
            explanation.firstFailure = history.prefix { $0.verdict != .pass }.last
            if last.verdict != .pass {
                let reasons = Set(last.reasons)
                let others = try await allPages { try await client.nodes(state: .untrusted, Listing(cursor: $0)) }
                explanation.alsoAffected = others.items
                    .filter { $0.nodeID != id && !reasons.isDisjoint(with: $0.lastVerdict?.reasons ?? []) }
                    .map(\.nodeID)
            }
        }
        explanation.nextStep = NodeNextStep.text(for: node)
        return explanation
    }

    var text: String {
        var fields = FieldList()
        fields.add("Node", "\(node.nodeID) at \(node.site ?? "unknown site"), group \(node.group ?? "-")")
        fields.add("State", "\(node.state.rawValue) since \(Timestamp.withAge(node.stateSinceMilliseconds))")
        if let verdict = node.lastVerdict {
            fields.add(
                "Last verdict",
                "\(verdict.verdict.rawValue) \(Timestamp.withAge(verdict.atMilliseconds)), id \(verdict.verdictID)")
            fields.add("Broken layer", firstBrokenLayer)
            if !verdict.reasons.isEmpty { fields.add("Reasons", verdict.reasons.joined(separator: ", ")) }
        }
        if let event = firstDivergentEvent, event != .null {
            fields.add(
                "First divergence",
                "PCR \(event["pcr"]?.plainText ?? "?"), event \(event["index"]?.plainText ?? "?"): \(event["name"]?.plainText ?? "unnamed")"
            )
            fields.add("  expected", event["expected"]?.plainText ?? "nothing")
            fields.add("  seen", event["seen"]?.plainText ?? "nothing")
        }
        fields.add("Last good", lastPass.map { Timestamp.withAge($0.atMilliseconds) } ?? "never")
        fields.add("Broken since", firstFailure.map { Timestamp.withAge($0.atMilliseconds) })
        if !alsoAffected.isEmpty {
            fields.add(
                "Also affected",
                "\(alsoAffected.count) nodes: " + alsoAffected.prefix(8).map(\.rawValue).joined(separator: ", "))
        }
        fields.add("Next step", nextStep)
        return layers.isEmpty ? fields.text : fields.text + "\n\n" + layerTable
    }

    private var layerTable: String {
        var table = TextTable("LAYER", "TIER", "TRUSTWORTHY", "FINDINGS")
        for layer in layers {
            let findings = layer["findings"]?.array ?? []
            // A layer that nobody looked at says nothing; one that could not be judged says why.
            let judged = layer["tier"]?.plainText != "none"
            if !judged, findings.isEmpty { continue }
            let trustworthy = layer["trustworthy"] == .bool(true)
            table.add(
                layer["id"]?.plainText, layer["tier"]?.plainText,
                !judged ? "not judged" : trustworthy ? "yes" : "no (rests on \(layer["restsOn"]?.plainText ?? "?"))",
                findings.prefix(3).map(Self.text).joined(separator: "; ")
                    + (findings.count > 3 ? "; and \(findings.count - 3) more" : ""))
        }
        return table.text
    }

    private static func text(_ finding: JSONValue) -> String {
        let what = finding["name"]?.plainText ?? finding["detail"]?.plainText
        return (finding["id"]?.plainText ?? "?") + (what.map { ": \($0)" } ?? "")
    }
}

/// What to do about a node, by its state.
enum NodeNextStep {
    static func text(for node: NodeView) -> String {
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
        case .untrusted:
            let verdict = node.lastVerdict?.verdictID ?? "ID"
            return "find the cause on site or in the change calendar; if it was planned, approve new reference values; "
                + "then bootgate node clear \(node.nodeID) --verdict \(verdict) --reason '…'"
        }
    }
}
