package import AttestationMessages
package import AttestingEnvironment
internal import JSONCoding

/// What the daemon says of itself for `bootgate-agent status` and `wait-admitted`. Self-reported: never evidence.
package struct AgentStatus: Hashable, Sendable, Codable {
    package static let fileName = "status.json"

    package var nodeID: NodeID
    package var agentVersion: String
    package var processID: Int32
    package var agentRunID: String
    package var bootID: String
    /// `starting`, `unenrolled`, `pending`, `enrolled`, `stopped`.
    package var membership: String
    package var startedAtMilliseconds: Int64
    package var lastAttestationAtMilliseconds: Int64?
    package var lastVerdict: Verdict?
    package var lastVerdictID: String?
    /// Nil until the verifier was asked in this boot.
    package var admission: NodeAdmission?
    package var nextStepAtMilliseconds: Int64?
    /// Stable code and text of the last failure; nil after a success.
    package var lastFailureCode: String?
    package var lastFailure: String?
    package var failuresInARow: Int

    package init(
        nodeID: NodeID, agentVersion: String, processID: Int32, agentRunID: String, bootID: String, membership: String,
        startedAtMilliseconds: Int64, admission: NodeAdmission? = nil
    ) {
        self.nodeID = nodeID
        self.agentVersion = agentVersion
        self.processID = processID
        self.agentRunID = agentRunID
        self.bootID = bootID
        self.membership = membership
        self.startedAtMilliseconds = startedAtMilliseconds
        self.admission = admission
        failuresInARow = 0
    }

    package static func load(_ directory: PublicDirectory) throws -> AgentStatus? {
        guard let bytes = try directory.read(fileName) else { return nil }
        return try StrictJSON.decode(AgentStatus.self, from: bytes)
    }

    package func save(_ directory: PublicDirectory) throws {
        try directory.write(Self.fileName, try StrictJSON.encode(self))
    }

    /// Takes over what an earlier run of the agent heard in the same boot, so that restarting the agent (an update, say)
    /// neither ends nor prolongs an admission. Another boot's or another node's counts for nothing.
    package mutating func adopt(_ earlier: AgentStatus?) {
        guard let earlier, earlier.bootID == bootID, earlier.nodeID == nodeID else { return }
        admission = earlier.admission
    }

    /// One line for `systemctl status`.
    package func line(_ now: AgentTime) -> String {
        let next = nextStepAtMilliseconds.map { "; next step at \(TimeText.utc($0))" } ?? ""
        if let admission, admission.holds(now) {
            let trouble = lastFailureCode.map { "; last step failed: \($0)" } ?? ""
            return "admitted since \(TimeText.utc(admission.sinceMilliseconds))\(trouble)\(next)"
        }
        if membership == "stopped" { return "stopped" }
        if let lastFailureCode { return "waiting: \(lastFailureCode): \(lastFailure ?? "")\(next)" }
        switch membership {
        case "starting": return "starting: loads its keys and asks the verifier"
        case "pending": return "pending: waits for an operator's approval (bootgate node approve \(nodeID))\(next)"
        default: break
        }
        if let admission {
            let reason = admission.decision == .admit ? "the admission has ended" : admission.reason ?? "denied"
            return "not admitted: \(reason), verdict \(lastVerdict?.rawValue ?? "none")\(next)"
        }
        return "not admitted yet\(next)"
    }
}
