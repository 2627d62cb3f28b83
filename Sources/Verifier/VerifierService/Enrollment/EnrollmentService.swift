package import AttestationMessages
internal import Crypto
internal import JSONCoding
internal import SecurityEvents
internal import TPMCryptography
internal import TPMStructures

/// Enrollment by credential activation (architecture, section 3). Until the activation nothing is stored but the
/// challenge: no id, EK or AK is reserved.
package struct EnrollmentService: EnrollmentUseCases {
    let store: any TransactionalStore
    let endorsements: any EndorsementChecking
    let issuer: any IdentityCertificateIssuer
    let random: any RandomSource
    let policy: VerifierPolicy
    let refusals: RefusalLog

    package init(
        store: any TransactionalStore, endorsements: any EndorsementChecking,
        issuer: any IdentityCertificateIssuer, random: any RandomSource = SystemRandom(),
        policy: VerifierPolicy = VerifierPolicy()
    ) {
        self.store = store
        self.endorsements = endorsements
        self.issuer = issuer
        self.random = random
        self.policy = policy
        refusals = RefusalLog(store: store)
    }

    /// Fits every EK that is taken: their name algorithms give 32 bytes or more.
    private static let secretSize = 32

    // MARK: Enroll

    package func enroll(_ body: [UInt8], peer: EnrollmentPeer) async throws -> [UInt8] {
        let request: EnrollmentRequest
        do throws(StrictJSONError) {
            request = try StrictJSON.decode(EnrollmentRequest.self, from: body)
        } catch {
            let detail = "\(error)"
            // The one field with a rule of its own code (ID-23).
            let code = detail.contains("node id is") ? "API_BAD_ID" : "API_JSON"
            throw try await refusals.refuse(
                ServiceError(.syntax, code, detail), action: "enrollment.refused", node: nil, source: peer.source,
                alarm: false)
        }
        do {
            return try await challenge(request, body, peer)
        } catch let error as ServiceError where error.kind != .unavailable {
            throw try await refusals.refuse(
                error, action: "enrollment.refused", node: request.nodeID, source: peer.source)
        }
    }

    private func challenge(
        _ request: EnrollmentRequest, _ body: [UInt8], _ peer: EnrollmentPeer
    ) async throws -> [UInt8] {
        let keys = try EnrollmentKeys(
            ekPublic: request.ekPublic.bytes, akPublic: request.akPublic.bytes,
            nodeKeyPublic: request.nodeKeyPublic.bytes)
        guard keys.nodeKeySPKI == peer.spki else {
            throw ServiceError(.forbidden, "ID_CHANNEL_BINDING", "the TLS key is not the node key of the request")
        }
        let certificates = request.ekCertificates.map(\.bytes)
        _ = try endorsements.check(keys.endorsement, certificates: certificates, now: store.clock.now())
        let secret = random.bytes(Self.secretSize)
        let credential: CredentialChallenge
        do throws(EndorsementKeyRefusal) {
            var generator = PortRandom(source: random)
            credential = try CredentialChallenge(
                secret, for: keys.attestation.name, to: keys.endorsement, using: &generator)
        } catch { throw ServiceError(.invalid, error.codes.first ?? "ID_EK_UNSUPPORTED", error.description) }
        let enrollmentID = Identifier.make(at: store.clock.now(), random)
        let response = try StrictJSON.encode(
            EnrollmentChallenge(
                enrollmentID: enrollmentID, credentialBlob: WireBytes(credential.credentialBlob),
                encryptedSecret: WireBytes(credential.encryptedSecret)))
        let transcript = ProtocolBinding.enrollmentTranscript(
            request: body, response: response, nodeKeySPKI: peer.spki)
        let proof = Array(
            HMAC<SHA256>.authenticationCode(for: transcript, using: SymmetricKey(data: secret)))
        let policy = policy
        try await store.write { tx in
            try EnrollmentRules.checkIdentity(request.nodeID, keys, tx)
            let tokenPresented = try EnrollmentRules.checkToken(request.manifestToken, of: request.nodeID, tx)
            try tx.save(
                EnrollmentChallengeRecord(
                    enrollmentID: enrollmentID, nodeID: request.nodeID, peerSPKI: peer.spki, source: peer.source,
                    transcript: transcript, expectedProof: proof, ekPublic: request.ekPublic.bytes,
                    ekCertificates: certificates, akPublic: request.akPublic.bytes,
                    nodeKeyPublic: request.nodeKeyPublic.bytes, platform: request.platform,
                    tokenPresented: tokenPresented, triesLeft: policy.enrollmentTries,
                    expiresAtMilliseconds: tx.now + policy.enrollmentChallengeLife))
        }
        return response
    }

    // MARK: Activate

    package func activate(
        enrollmentID: String, _ request: ActivationRequest, peer: EnrollmentPeer
    ) async throws -> EnrollmentResult {
        let challenge = try await store.read { try $0.enrollmentChallenge(enrollmentID) }
        guard let challenge else {
            throw try await refusals.refuse(
                ServiceError(.gone, "ID_CHALLENGE_EXPIRED", "no such challenge"), action: "activation.refused",
                node: nil, source: peer.source, alarm: false)
        }
        do {
            return try await activate(challenge, request, peer)
        } catch let error as ServiceError where error.kind != .unavailable {
            // One that is over is an agent that was slow, or the end of tries that were told already.
            throw try await refusals.refuse(
                error, action: "activation.refused", node: challenge.nodeID, source: peer.source,
                alarm: error.kind != .gone)
        }
    }

    private func activate(
        _ challenge: EnrollmentChallengeRecord, _ request: ActivationRequest, _ peer: EnrollmentPeer
    ) async throws -> EnrollmentResult {
        guard challenge.peerSPKI == peer.spki else {
            throw ServiceError(.forbidden, "ID_CHALLENGE_BINDING", "another key asked for this challenge")
        }
        guard store.clock.now() < challenge.expiresAtMilliseconds else {
            throw ServiceError(.gone, "ID_CHALLENGE_EXPIRED", "the challenge's life is over")
        }
        // The try is spent, and durably so, before the proof is looked at.
        guard try await store.write({ try $0.spendTry(ofEnrollment: challenge.enrollmentID) }) else {
            throw ServiceError(.gone, "ID_CHALLENGE_EXPIRED", "no tries are left")
        }
        guard ConstantTime.equal(request.proof.bytes, challenge.expectedProof) else {
            throw ServiceError(.forbidden, "ID_ACTIVATION_FAILED", "the proof is not the secret's")
        }
        let keys = try EnrollmentKeys(
            ekPublic: challenge.ekPublic, akPublic: challenge.akPublic, nodeKeyPublic: challenge.nodeKeyPublic)
        let signer = try certify(keys, challenge, request)
        let endorsement = try endorsements.check(
            keys.endorsement, certificates: challenge.ekCertificates, now: store.clock.now())
        let rules = EnrollmentRules(
            challenge: challenge, keys: keys, endorsement: endorsement, qualifiedSigner: signer, policy: policy)
        let node = try await store.write { tx in try rules.enroll(tx) }
        return try result(node, spki: keys.nodeKeySPKI)
    }

    /// - Returns: the AK's qualified name as the certification shows it.
    private func certify(
        _ keys: EnrollmentKeys, _ challenge: EnrollmentChallengeRecord, _ request: ActivationRequest
    ) throws -> [UInt8] {
        let signers = keys.attestation.qualifiedNames(under: keys.endorsement.publicArea)
        do throws(CertificationRefusal) {
            let certification: UnverifiedCertification
            do {
                certification = try UnverifiedCertification(
                    attest: request.nodeKeyCertifyInfo.bytes, signature: request.nodeKeyCertifySignature.bytes)
            } catch { throw Refusal(.nodeKeyAttributes, "\(error)") }
            _ = try certification.verify(
                with: keys.attestation,
                expecting: CertificationExpectation(
                    role: .node, publicArea: keys.nodeKeyArea, extraData: challenge.transcript, signers: signers))
        } catch {
            let kind: ServiceError.Kind = error.codes.first == "ID_CHANNEL_BINDING" ? .forbidden : .invalid
            throw ServiceError(kind, error.codes.first ?? "ID_NODE_KEY_ATTRS", error.description)
        }
        // The verified bytes, read once more for the signer that the certification does not pass on.
        return try TPMSAttest(marshalled: request.nodeKeyCertifyInfo.bytes).qualifiedSigner.bytes
    }

    private func result(_ node: NodeRecord, spki: [UInt8]) throws -> EnrollmentResult {
        let certificates = try issuer.identityCertificate(
            node: node.nodeID, spki: spki, nowMilliseconds: store.clock.now())
        return EnrollmentResult(
            nodeID: node.nodeID, lifecycle: node.lifecycle, identityCertificates: certificates.map(WireBytes.init),
            retryAfterSeconds: node.lifecycle == .pending
                ? policy.pendingRetrySeconds(since: node.stateSinceMilliseconds, now: store.clock.now()) : nil)
    }

    // MARK: Renew

    package func renew(_ request: RenewalRequest, peer: EnrollmentPeer) async throws -> EnrollmentResult {
        do {
            let node = try await store.write { tx in
                guard let node = try tx.node(request.nodeID), let identity = try tx.identity(node.identityID) else {
                    throw ServiceError(.forbidden, "ADM_UNKNOWN", "no such node")
                }
                guard node.lifecycle != .revoked else {
                    throw ServiceError(.forbidden, "ID_NODE_REVOKED", "the node is revoked")
                }
                guard identity.nodeKeySPKI == peer.spki, identity.ekName == request.ekName.bytes,
                    identity.akName == request.akName.bytes
                else { throw ServiceError(.forbidden, "ID_CHANNEL_BINDING", "not the enrolled EK, AK and node key") }
                try tx.audit(
                    AuditEntry(
                        actor: "node:\(node.nodeID)", action: "identity.renew", subject: node.nodeID.rawValue,
                        outcome: "success", detail: ["source": peer.source]))
                return node
            }
            return try result(node, spki: peer.spki)
        } catch let error as ServiceError where error.kind == .forbidden {
            throw try await refusals.refuse(
                error, action: "identity.renew", node: request.nodeID, source: peer.source)
        }
    }
}
