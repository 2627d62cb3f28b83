internal import Dispatch
package import ESAPI
internal import Synchronization
internal import TPMCryptography
package import VerifierClient

/// The node's keys in its TPM, loaded or made at start.
package struct NodeKeys: Sendable {
    package let tpm: TPM
    package let endorsement: ResidentKey
    /// DER, own first; empty where NV holds none.
    package let endorsementCertificates: [[UInt8]]
    package let attestation: ResidentKey
    package let node: ResidentKey
    /// DER SubjectPublicKeyInfo of the node key.
    package let nodeSPKI: [UInt8]

    /// Finds the keys at their handles, or makes them there: the same ones whenever it is asked again (ID-24).
    package static func load(_ tpm: TPM, _ choice: KeyChoice) async throws -> NodeKeys {
        let kind = try await choice.endorsementKind(tpm)
        let endorsement = try await tpm.endorsementKey(kind)
        let certificates = try await tpm.endorsementCertificates(kind)
        let attestation = try await tpm.signingKey(choice.attestation, at: TPM.attestationKeyHandle)
        let node = try await tpm.signingKey(.node, at: TPM.nodeKeyHandle)
        return NodeKeys(
            tpm: tpm, endorsement: endorsement,
            endorsementCertificates: certificates.map { [$0.certificate] + $0.chain } ?? [], attestation: attestation,
            node: node, nodeSPKI: try SubjectPublicKey(node.parsed).spki)
    }

    /// The node key as TLS uses it. Its signatures block the calling thread, which is the client's own, while the TPM's
    /// own thread works.
    package var tlsKey: ExternalKey {
        let tpm = tpm
        let handle = node.handle
        return ExternalKey(subjectPublicKeyInfo: nodeSPKI) { digest in
            try waiting { try await tpm.sign(digest: digest, with: handle) }
        }
    }
}

/// Which keys the configuration asks for.
package struct KeyChoice: Sendable, Hashable {
    /// Kinds in order of preference: the first that has a certificate, else the first. Empty: the TPM's default.
    package var endorsement: [EndorsementKeyKind]
    package var attestation: SigningKeyTemplate
    package init(endorsement: [EndorsementKeyKind] = [], attestation: SigningKeyTemplate = .attestationP256) {
        self.endorsement = endorsement
        self.attestation = attestation
    }

    package func endorsementKind(_ tpm: TPM) async throws -> EndorsementKeyKind {
        guard let first = endorsement.first else { return try await tpm.defaultEndorsementKeyKind() }
        for kind in endorsement where try await tpm.endorsementCertificates(kind) != nil { return kind }
        return first
    }
}

/// Waits on this thread for asynchronous work. Only for threads outside the cooperative pool: the C callback of a TLS
/// handshake has no other way.
private func waiting<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    let box = ResultBox<Value>()
    let done = DispatchSemaphore(value: 0)
    Task {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        box.result.withLock { $0 = result }
        done.signal()
    }
    done.wait()
    guard let result = box.result.withLock({ $0 }) else { throw CancellationError() }
    return try result.get()
}

private final class ResultBox<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
}
