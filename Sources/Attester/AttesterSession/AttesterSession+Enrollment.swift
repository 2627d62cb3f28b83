internal import AttestationMessages
internal import AttestingEnvironment
internal import Dispatch
internal import ESAPI
internal import Logging
internal import TPMCryptography
internal import VerifierClient

extension AttesterSession {
    /// Both messages of an enrollment. Nothing is kept in between: a run that was killed begins again with the same keys.
    func enroll() async throws -> Outcome {
        guard let ready else { return .waiting }
        let keys = ready.keys
        let machine = MachineIdentity.read()
        let request = EnrollmentRequest(
            nodeID: configuration.nodeID, manifestToken: configuration.manifestToken,
            ekPublic: WireBytes(keys.endorsement.publicArea),
            ekCertificates: keys.endorsementCertificates.map { WireBytes($0) },
            akPublic: WireBytes(keys.attestation.publicArea), nodeKeyPublic: WireBytes(keys.node.publicArea),
            platform: PlatformIdentity(
                manufacturer: machine.manufacturer, product: machine.product, serialNumber: machine.serialNumber,
                uuid: machine.uuid))
        let exchange = try await ready.enrollmentClient.enroll(request)
        let challenge = exchange.challenge
        guard CheckedChallenge.isIdentifier(challenge.enrollmentID) else {
            throw SessionFailure(
                .badChallenge, code: "AGENT_BAD_CHALLENGE", message: "the enrollment's id is no identifier")
        }
        let secret = try await tpm.activateCredential(
            endorsementKey: keys.endorsement.handle, attestationKey: keys.attestation.handle,
            credentialBlob: challenge.credentialBlob.bytes, encryptedSecret: challenge.encryptedSecret.bytes)
        let transcript = ProtocolBinding.enrollmentTranscript(
            request: exchange.requestBytes, response: exchange.replyBytes, nodeKeySPKI: keys.nodeSPKI)
        let certified = try await tpm.certify(
            keys.node.handle, by: keys.attestation.handle, qualifyingData: transcript)
        let result = try await ready.enrollmentClient.activate(
            enrollmentID: challenge.enrollmentID,
            ActivationRequest(
                proof: WireBytes(MessageAuthentication.hmacSHA256(key: secret, transcript)),
                nodeKeyCertifyInfo: WireBytes(certified.attest),
                nodeKeyCertifySignature: WireBytes(certified.signature)))
        return try await accept(result, "enrolled")
    }

    func renew() async throws -> Outcome {
        guard let ready else { return .waiting }
        let result = try await ready.enrollmentClient.renew(
            RenewalRequest(
                nodeID: configuration.nodeID, ekName: WireBytes(ready.keys.endorsement.name),
                akName: WireBytes(ready.keys.attestation.name)))
        return try await accept(result, "renewed")
    }

    /// Stores the identity before anything is done with it.
    private func accept(_ result: EnrollmentResult, _ message: String) async throws -> Outcome {
        guard var ready else { return .waiting }
        guard result.nodeID == configuration.nodeID, let own = result.identityCertificates.first,
            let life = CertificateLife.seconds(der: own.bytes), life <= 100 * 365 * 86_400
        else {
            throw SessionFailure(
                .badChallenge, code: "AGENT_BAD_REPLY", message: "the identity is for another node, or no certificate")
        }
        let now = AgentTime.now()
        let identity = StoredIdentity(
            nodeID: result.nodeID, lifecycle: result.lifecycle, certificates: result.identityCertificates,
            issuedAtWallMilliseconds: now.wall, lifeMilliseconds: life * 1000,
            akName: WireBytes(ready.keys.attestation.name), nodeKeyName: WireBytes(ready.keys.node.name))
        try identity.save(state)
        await ready.enrollmentClient.disconnect()
        ready.mainClient = client(configuration.verifier, identity.certificates.map(\.bytes), ready.keys)
        ready.machine.didReceiveIdentity(
            result.lifecycle,
            certificate: .init(issuedAtWall: now.wall, lifeMilliseconds: identity.lifeMilliseconds),
            retryAfterSeconds: result.retryAfterSeconds, now: now, random: nextRandom())
        self.ready = ready
        logger.info(
            "\(message)",
            metadata: ["code": "AGENT_IDENTITY", "lifecycle": "\(result.lifecycle.rawValue)", "life-s": "\(life)"])
        return result.lifecycle == .pending ? .pending : .joined
    }

    /// The self-signed certificate of the node key. Signing waits for the TPM, so it runs off the cooperative pool.
    static func selfSigned(_ keys: NodeKeys, _ node: NodeID) async throws -> [UInt8] {
        let key = keys.tlsKey
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result { try SelfSignedCertificate.make(commonName: node.rawValue, key: key) })
            }
        }
    }
}
