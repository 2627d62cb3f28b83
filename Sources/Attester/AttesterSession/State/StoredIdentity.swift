package import AttestationMessages
package import AttestingEnvironment
internal import JSONCoding

/// What the agent keeps over restarts: which certificate it got, for which keys. No secret: the keys are in the TPM.
package struct StoredIdentity: Hashable, Sendable, Codable {
    static let fileName = "identity.json"

    package var nodeID: NodeID
    package var lifecycle: NodeLifecycle
    /// DER, own first.
    package var certificates: [WireBytes]
    package var issuedAtWallMilliseconds: Int64
    package var lifeMilliseconds: Int64
    /// Names of the keys it was issued for: another TPM or AK makes it worthless.
    package var akName: WireBytes
    package var nodeKeyName: WireBytes

    /// - Returns: nil when there is none, or one that cannot be read: the agent then enrolls again.
    package static func load(_ state: StateDirectory) throws -> StoredIdentity? {
        guard let bytes = try state.read(fileName) else { return nil }
        return try? StrictJSON.decode(StoredIdentity.self, from: bytes)
    }

    package func save(_ state: StateDirectory) throws {
        try state.write(Self.fileName, try StrictJSON.encode(self))
    }
}
