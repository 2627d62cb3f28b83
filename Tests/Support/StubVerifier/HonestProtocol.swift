public import AssetFingerprints
public import AttestationMessages
import ByteParsing
import Crypto
import Foundation
import SwiftASN1
import Synchronization
import TPMCryptography
import TPMStructures
import X509

/// Plays the verifier's side of Protocol v1 over a ``StubVerifier``: makes real credentials, checks what the quote binds,
/// and asks for every log it has not seen. It appraises nothing: the verdict is what the test says.
public final class HonestProtocol: Sendable {
    public struct State: Sendable {
        public var verdict: Verdict = .pass
        /// Answers to renewals that still say pending.
        public var pendingReplies = 0
        public var startsPending = false
        public var attestationIntervalSeconds = 300
        public var fingerprintIntervals: [FingerprintKind: Int] = [.accounts: 3600]
        /// Asks for the kernel's measurement list from this byte.
        public var measurementListOffset: Int?
        /// What the node did wrong.
        public var problems: [String] = []
        public var evidence: [EvidenceSubmission] = []
        public var verdicts = 0
        /// What is answered to the question for the admission; nil: as the verdict says.
        public var decision: AdmissionDecision?
        public var admittedForSeconds: Int? = 900
        /// Failing answers (503) to that question before the first good one.
        public var admissionFailures = 0
        public var admissionQuestions = 0
        public var renewals = 0
        public var uploads: [String: [UInt8]] = [:]

        var enrollments: [String: Enrollment] = [:]
        var enrolled: Enrollment?
        var nonce: [UInt8]?
        var counter = 0
        var open: (id: String, logs: [LogSummary])?
    }

    struct Enrollment: Sendable {
        var request: EnrollmentRequest
        var requestBytes: [UInt8]
        var replyBytes: [UInt8]
        var secret: [UInt8]
    }

    private let state = Mutex(State())
    private let authority: StubAuthority

    public init(_ authority: StubAuthority) { self.authority = authority }

    public func withState<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result {
        state.withLock(body)
    }

    public func reply(_ request: StubRequest) throws -> StubReply {
        let parts = request.path.split(separator: "?")[0].split(separator: "/").map(String.init)
        return try state.withLock { state in
            switch (request.method, parts.count, parts.last) {
            case ("POST", 2, "enrollments"): try enroll(request, &state)
            case ("POST", 4, "activation"): try activate(request, parts[2], &state)
            case ("POST", 2, "renewals"): try renew(&state)
            case ("POST", 4, "challenges"): try challenge(&state)
            case ("POST", 4, "evidence"): try evidence(request, &state)
            case ("PUT", 7, .some(let log)): try upload(request, log, &state)
            case ("GET", 3, .some(let node)) where parts[1] == "admissions": try admission(NodeID(node), &state)
            default: StubReply(status: 404)
            }
        }
    }

    // MARK: Enrollment

    private func enroll(_ request: StubRequest, _ state: inout State) throws -> StubReply {
        let message = try JSONDecoder().decode(EnrollmentRequest.self, from: Data(request.body))
        let key = try EndorsementKey(tpmtPublic: message.ekPublic.bytes)
        let akName = try name(message.akPublic.bytes)
        let nodeSPKI = try spki(message.nodeKeyPublic.bytes)
        if try peerSPKI(request) != nodeSPKI { state.problems.append("the TLS key is not the node key") }
        var random = SystemRandomNumberGenerator()
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        let challenge = try CredentialChallenge(secret, for: akName, to: key, using: &random)
        state.counter += 1
        let reply = try StubReply.json(
            201,
            EnrollmentChallenge(
                enrollmentID: "e-\(state.counter)", credentialBlob: WireBytes(challenge.credentialBlob),
                encryptedSecret: WireBytes(challenge.encryptedSecret)))
        state.enrollments["e-\(state.counter)"] = Enrollment(
            request: message, requestBytes: request.body, replyBytes: reply.body, secret: secret)
        return reply
    }

    private func activate(_ request: StubRequest, _ id: String, _ state: inout State) throws -> StubReply {
        guard let enrollment = state.enrollments[id] else { return StubReply(status: 410) }
        let message = try JSONDecoder().decode(ActivationRequest.self, from: Data(request.body))
        let transcript = ProtocolBinding.enrollmentTranscript(
            request: enrollment.requestBytes, response: enrollment.replyBytes,
            nodeKeySPKI: try spki(enrollment.request.nodeKeyPublic.bytes))
        if message.proof.bytes != MessageAuthentication.hmacSHA256(key: enrollment.secret, transcript) {
            state.problems.append("the proof is wrong")
        }
        let info = try TPMSAttest(marshalled: message.nodeKeyCertifyInfo.bytes)
        if info.extraData != transcript { state.problems.append("the certification is not over the transcript") }
        guard case .certify(let certified) = info.attested,
            certified.name == (try name(enrollment.request.nodeKeyPublic.bytes))
        else {
            state.problems.append("the certification is not of the node key")
            return StubReply(status: 422)
        }
        state.enrolled = enrollment
        return try identity(enrollment, state.startsPending ? .pending : .enrolled)
    }

    private func renew(_ state: inout State) throws -> StubReply {
        guard let enrolled = state.enrolled else {
            return try StubReply.json(403, Problem(code: "ADM_UNKNOWN", reference: "r"))
        }
        state.renewals += 1
        let isPending = state.pendingReplies > 0
        if isPending { state.pendingReplies -= 1 }
        return try identity(enrolled, isPending ? .pending : .enrolled)
    }

    private func identity(_ enrollment: Enrollment, _ lifecycle: NodeLifecycle) throws -> StubReply {
        let key = try P256.Signing.PublicKey(
            derRepresentation: try spki(enrollment.request.nodeKeyPublic.bytes))
        let id = enrollment.request.nodeID
        let certificate = try authority.issue(
            Certificate.PublicKey(key), names: [.uniformResourceIdentifier("bootgate://node/\(id)")])
        return try StubReply.json(
            201,
            EnrollmentResult(
                nodeID: id, lifecycle: lifecycle, identityCertificates: [WireBytes(try StubAuthority.der(certificate))],
                retryAfterSeconds: lifecycle == .pending ? 1 : nil))
    }

    // MARK: Admission

    private func admission(_ node: NodeID?, _ state: inout State) throws -> StubReply {
        state.admissionQuestions += 1
        if state.admissionFailures > 0 {
            state.admissionFailures -= 1
            return try StubReply.json(503, Problem(code: "STORE_UNAVAILABLE", reference: "r"))
        }
        guard let node, node == state.enrolled?.request.nodeID else {
            return try StubReply.json(403, Problem(code: "API_IDENTITY", reference: "r"))
        }
        let decision = state.decision ?? (state.verdict == .pass ? .admit : .deny)
        return try StubReply.json(
            200,
            AdmissionReply(
                nodeID: node, decision: decision, reason: decision == .admit ? nil : "ADM_STICKY_FAIL", ear: nil,
                admissionCertificates: [], verdictID: "v", validUntilMilliseconds: nil,
                admittedForSeconds: decision == .admit ? state.admittedForSeconds : nil))
    }

    // MARK: Attestation

    private func challenge(_ state: inout State) throws -> StubReply {
        let nonce = (0..<32).map { _ in UInt8.random(in: 0...255) }
        state.nonce = nonce
        state.counter += 1
        let challenge = AttestationChallenge(
            challengeID: "c-\(state.counter)", nonce: WireBytes(nonce), expiresInSeconds: 60,
            pcrSelection: WireBytes(
                TPMLPCRSelection(PCRSet((0...15).compactMap { PCRIndex($0) }), banks: [.sha256]).marshalled),
            fingerprintIntervals: state.fingerprintIntervals,
            attestationIntervalSeconds: state.attestationIntervalSeconds,
            measurementListOffset: state.measurementListOffset)
        return try StubReply.json(201, challenge)
    }

    private func evidence(_ request: StubRequest, _ state: inout State) throws -> StubReply {
        guard let nonce = state.nonce, let enrolled = state.enrolled else { return StubReply(status: 410) }
        state.nonce = nil
        let message = try JSONDecoder().decode(EvidenceSubmission.self, from: Data(request.body))
        let attest = try TPMSAttest(marshalled: message.quote.bytes)
        let nodeSPKI = try spki(enrolled.request.nodeKeyPublic.bytes)
        let expected = ProtocolBinding.evidence(nonce: nonce, nodeKeySPKI: nodeSPKI, claims: message.claims.bytes)
        if attest.extraData != expected { state.problems.append("the quote does not bind nonce, key and claims") }
        if try peerSPKI(request) != nodeSPKI { state.problems.append("the TLS key is not the node key") }
        let claims = try JSONDecoder().decode(EvidenceClaims.self, from: Data(message.claims.bytes))
        for (kind, claim) in claims.fingerprints
        where message.logs.first(where: { $0.log == "fingerprint-\(kind.slug)" })?.sha256 != claim.sha256 {
            state.problems.append("the report of \(kind) is not the claimed one")
        }
        if let bootKey = claims.bootKey {
            let info = try TPMSAttest(marshalled: bootKey.certifyInfo.bytes)
            if info.clockInfo.resetCount != attest.clockInfo.resetCount
                || info.extraData != ProtocolBinding.bootKey(nodeKeySPKI: nodeSPKI)
            {
                state.problems.append("the boot key's certification does not fit")
            }
        } else {
            state.problems.append("no boot key")
        }
        state.evidence.append(message)
        state.counter += 1
        state.open = ("ev-\(state.counter)", message.logs)
        return try answer(&state)
    }

    private func upload(_ request: StubRequest, _ log: String, _ state: inout State) throws -> StubReply {
        state.uploads[log, default: []] += request.body
        return try answer(&state)
    }

    private func answer(_ state: inout State) throws -> StubReply {
        guard let open = state.open else { return StubReply(status: 409) }
        let need = open.logs.compactMap { summary -> LogNeed? in
            let held = state.uploads[summary.log] ?? []
            if Array(SHA256.hash(data: held)) == summary.sha256.bytes { return nil }
            if held.count >= summary.byteCount { state.uploads[summary.log] = [] }
            return LogNeed(log: summary.log, offset: state.uploads[summary.log]?.count ?? 0)
        }
        let isDone = need.isEmpty
        if isDone {
            state.verdicts += 1
            state.open = nil
        }
        return try StubReply.json(
            isDone ? 200 : 202,
            EvidenceReply(
                evidenceID: open.id, verdict: isDone ? state.verdict : nil,
                verdictID: isDone ? "v-\(state.verdicts)" : nil, need: need,
                nextAttestationInSeconds: isDone ? state.attestationIntervalSeconds : nil, nextChallenge: nil))
    }

    // MARK: Keys

    private func spki(_ publicArea: [UInt8]) throws -> [UInt8] {
        try SubjectPublicKey(try TPMTPublic(tpmtPublic: publicArea)).spki
    }

    private func name(_ publicArea: [UInt8]) throws -> TPM2BName {
        TPM2BName(MessageDigest.hash(publicArea, .sha256))
    }

    private func peerSPKI(_ request: StubRequest) throws -> [UInt8]? {
        guard let der = request.peerCertificate else { return nil }
        let key = P256.Signing.PublicKey(try Certificate(derEncoded: der).publicKey)
        return key.map { Array($0.derRepresentation) }
    }
}
