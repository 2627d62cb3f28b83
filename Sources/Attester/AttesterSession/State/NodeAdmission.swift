package import AttestationMessages

/// What the verifier last decided about this node, as the agent heard it in this boot.
///
/// A convenience for the node's own services, never a control: consumers ask the verifier, or check a credential.
package struct NodeAdmission: Hashable, Sendable, Codable {
    package var decision: AdmissionDecision
    /// `ADM_…`, `ID_…`, or `AGENT_BAD_REPLY`.
    package var reason: String?
    package var verdictID: String?
    /// Wall clock; since when the decision has been this one without a break that the agent saw.
    package var sinceMilliseconds: Int64
    /// ``AgentTime/monotonic`` at which an admission ends unless it is heard again; with admit only.
    package var untilBootTimeMilliseconds: Int64?

    /// A stolen or broken verifier cannot make the node take itself for admitted for longer; an override's longest life.
    package static let longestSeconds = 86_400

    package init(
        decision: AdmissionDecision, reason: String?, verdictID: String? = nil, sinceMilliseconds: Int64,
        untilBootTimeMilliseconds: Int64? = nil
    ) {
        self.decision = decision
        self.reason = reason
        self.verdictID = verdictID
        self.sinceMilliseconds = sinceMilliseconds
        self.untilBootTimeMilliseconds = untilBootTimeMilliseconds
    }

    /// - Parameters:
    ///   - earlier: what was heard before in this boot.
    ///   - now: when the answer came; its life is counted from then.
    package init(_ reply: AdmissionReply, after earlier: NodeAdmission?, now: AgentTime) {
        self.init(decision: reply.decision, reason: reply.reason, verdictID: reply.verdictID, sinceMilliseconds: 0)
        switch reply.decision {
        case .admit:
            // An admission without an end would never be lost: missing evidence never passes.
            if let seconds = reply.admittedForSeconds, seconds > 0 {
                untilBootTimeMilliseconds = now.monotonic + Int64(min(seconds, Self.longestSeconds)) * 1000
            } else {
                decision = .deny
                reason = "AGENT_BAD_REPLY"
            }
        case .deny: break
        }
        let isSame = earlier?.decision == decision && (decision == .deny || earlier?.holds(now) == true)
        sinceMilliseconds = isSame ? earlier?.sinceMilliseconds ?? now.wall : now.wall
    }

    /// The verifier refused to speak with the node about it.
    package static func refused(_ code: String, after earlier: NodeAdmission?, now: AgentTime) -> NodeAdmission {
        let isSame = earlier?.decision == .deny
        return NodeAdmission(
            decision: .deny, reason: code, sinceMilliseconds: isSame ? earlier?.sinceMilliseconds ?? now.wall : now.wall
        )
    }

    package func holds(_ now: AgentTime) -> Bool {
        guard decision == .admit, let end = untilBootTimeMilliseconds else { return false }
        return now.monotonic < end
    }
}
