package import AttestationMessages
internal import TPMCryptography
internal import TPMStructures
package import VerifierClient

/// What one node's session needs to know.
package struct SessionConfiguration: Sendable {
    package var nodeID: NodeID
    /// One-time token of the manifest entry; only an enrollment reads it.
    package var manifestToken: String?
    package var enrollment: VerifierEndpoint
    package var verifier: VerifierEndpoint
    package var keys: KeyChoice
    package var eventLogPath: String
    /// The kernel's binary measurement list; read when the verifier wants it.
    package var measurementListPath: String
    package var agentVersion: String
    /// SHA-256 of the effective configuration; goes into the claims.
    package var configurationDigest: [UInt8]
    /// Seconds for one call of the verifier.
    package var callTimeoutSeconds: Int

    /// SHA-256 over the settings in effect, sorted by key: says on the verifier that two nodes are configured alike.
    package static func digest(_ settings: [String: String]) -> [UInt8] {
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }
        return MessageDigest.hash(Array(lines.joined().utf8), .sha256).bytes
    }

    package init(
        nodeID: NodeID, manifestToken: String? = nil, enrollment: VerifierEndpoint, verifier: VerifierEndpoint,
        keys: KeyChoice = KeyChoice(),
        eventLogPath: String = "/sys/kernel/security/tpm0/binary_bios_measurements",
        measurementListPath: String = "/sys/kernel/security/ima/binary_runtime_measurements", agentVersion: String,
        configurationDigest: [UInt8], callTimeoutSeconds: Int = 60
    ) {
        self.nodeID = nodeID
        self.manifestToken = manifestToken
        self.enrollment = enrollment
        self.verifier = verifier
        self.keys = keys
        self.eventLogPath = eventLogPath
        self.measurementListPath = measurementListPath
        self.agentVersion = agentVersion
        self.configurationDigest = configurationDigest
        self.callTimeoutSeconds = callTimeoutSeconds
    }
}
