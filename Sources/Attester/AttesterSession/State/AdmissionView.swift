internal import AttestationMessages

/// How a process beside the agent sees this node's admission: from the agent's published status alone.
package enum AdmissionView: Hashable, Sendable {
    case admitted(NodeAdmission)
    /// What is missing, and what to do about it. `isDenied` tells a decision of the verifier from its absence.
    case missing(isDenied: Bool, reason: String, nextStep: String)

    /// - Parameters:
    ///   - status: what the agent published; nil where there is nothing.
    ///   - bootID: of the running kernel: a status of another boot counts for nothing.
    package init(_ status: AgentStatus?, bootID: String, now: AgentTime) {
        guard let status, status.bootID == bootID else {
            self = .missing(
                isDenied: false,
                reason: status == nil ? "no agent has run yet" : "the agent's status is of an earlier boot",
                nextStep: "start it: systemctl start bootgate-agent; then: systemctl status bootgate-agent")
            return
        }
        if let admission = status.admission, admission.holds(now) {
            self = .admitted(admission)
            return
        }
        let explain = "on an operator's machine: bootgate node explain \(status.nodeID)"
        if let admission = status.admission, admission.decision == .deny, status.membership != "pending" {
            self = .missing(
                isDenied: true, reason: "the verifier denies admission (\(admission.reason ?? "no reason given"))",
                nextStep: explain)
            return
        }
        self = .waiting(status, explain)
    }

    package var text: String {
        switch self {
        case .admitted(let admission): "yes, since \(TimeText.utc(admission.sinceMilliseconds))"
        case .missing(_, let reason, _): "no: \(reason)"
        }
    }

    private static func waiting(_ status: AgentStatus, _ explain: String) -> AdmissionView {
        if let code = status.lastFailureCode {
            return .missing(
                isDenied: false, reason: "the agent's last step failed: \(code): \(status.lastFailure ?? "")",
                nextStep: code == "AGENT_UNREACHABLE"
                    ? "check the network and the verifier's address; the agent tries again by itself"
                    : "see: journalctl -u bootgate-agent; the agent tries again by itself")
        }
        if status.membership == "pending" {
            return .missing(
                isDenied: false, reason: "the node waits for an operator's approval",
                nextStep: "on an operator's machine: bootgate node approve \(status.nodeID) --reason …")
        }
        if status.membership == "stopped" {
            return .missing(
                isDenied: false, reason: "the agent was stopped",
                nextStep: "start it: systemctl start bootgate-agent")
        }
        if status.admission != nil {
            return .missing(isDenied: false, reason: "the admission has ended and was not renewed", nextStep: explain)
        }
        return .missing(
            isDenied: false, reason: "the agent has no decision yet (\(status.membership))",
            nextStep: "see: systemctl status bootgate-agent")
    }
}
