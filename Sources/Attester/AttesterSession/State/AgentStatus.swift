package import AttestationMessages
package import AttestingEnvironment
internal import JSONCoding

/// What the daemon says of itself for `bootgate-agent status`. Self-reported: never evidence.
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
    package var nextStepAtMilliseconds: Int64?
    /// Stable code and text of the last failure; nil after a success.
    package var lastFailureCode: String?
    package var lastFailure: String?
    package var failuresInARow: Int

    package static func load(_ state: StateDirectory) throws -> AgentStatus? {
        guard let bytes = try state.read(fileName) else { return nil }
        return try StrictJSON.decode(AgentStatus.self, from: bytes)
    }

    package func save(_ state: StateDirectory) throws {
        try state.write(Self.fileName, try StrictJSON.encode(self))
    }
}
