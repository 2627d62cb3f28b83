import AttestationMessages
import AttestationTestKit
import ByteParsing
import Crypto
import Foundation
import JSONCoding
import NIOSSL
import SwiftASN1
import TCGEventLog
import TPMCryptography
import TPMStructures
import X509

/// A node whose TPM is in this process: software keys, registers as a firmware event log left them, the honest protocol.
struct SimulatedNode: Sendable {
    let id: NodeID
    let ek: SoftwareEK
    let ak: SoftwareAK
    let nodeKey: P256.Signing.PrivateKey
    let bootKey: BootKeyClaim
    let boot: SimulatedBoot
    /// What the kernel measured; nil where IMA is off.
    let list: SimulatedList?
    let claimsTemplate: EvidenceClaims
    /// DER SubjectPublicKeyInfo of the node key.
    let spki: [UInt8]
    /// Once enrolled.
    var identity: TLSIdentity?

    init(id: NodeID, boot: SimulatedBoot, list: SimulatedList? = nil) throws {
        self.id = id
        self.boot = boot
        self.list = list
        ek = .p256()
        ak = .p256()
        nodeKey = P256.Signing.PrivateKey()
        spki = Array(nodeKey.publicKey.derRepresentation)
        let bootArea = Self.signingArea(P256.Signing.PrivateKey().publicKey)
        let certified = try ak.certify(
            bootArea, under: .nullHierarchy, extraData: ProtocolBinding.bootKey(nodeKeySPKI: spki))
        bootKey = BootKeyClaim(
            publicArea: WireBytes(bootArea.marshalled), certifyInfo: WireBytes(certified.attest),
            certifySignature: WireBytes(certified.signature))
        claimsTemplate = EvidenceClaims(
            nodeID: id, challengeID: "", agentRunID: "simulated-run-\(id)", bootID: "simulated-boot-\(id)",
            agentVersion: "fleet", configurationDigest: WireBytes([UInt8](repeating: 0, count: 32)), fingerprints: [:],
            bootKey: bootKey)
    }

    /// An unrestricted signing key's public area, as the agent's node and boot keys have it.
    static func signingArea(_ key: P256.Signing.PublicKey) -> TPMTPublic {
        let point = Array(key.rawRepresentation)
        return TPMTPublic(
            nameAlgorithm: .sha256,
            attributes: [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .noDA, .sign],
            key: .ecc(
                .init(
                    symmetric: .none, scheme: TPMTAsymScheme(.ecdsa, .sha256), curve: .nistP256,
                    x: Array(point.prefix(32)), y: Array(point.suffix(32)))))
    }

    /// What the node shows on the enrollment listener: proof of possession of its key, nothing else.
    func selfSignedIdentity() throws -> TLSIdentity {
        let name = try DistinguishedName { CommonName(id.rawValue) }
        let key = Certificate.PrivateKey(nodeKey)
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date.now.addingTimeInterval(-3600), notValidAfter: Date.now.addingTimeInterval(86_400),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256, extensions: Certificate.Extensions(),
            issuerPrivateKey: key)
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return try tlsIdentity([serializer.serializedBytes])
    }

    private func tlsIdentity(_ chain: [[UInt8]]) throws -> TLSIdentity {
        TLSIdentity(
            chain: try chain.map { try NIOSSLCertificate(bytes: $0, format: .der) },
            key: try NIOSSLPrivateKey(bytes: Array(nodeKey.derRepresentation), format: .der))
    }

    /// Enrolls by credential activation; the manifest must name this node's EK.
    func enrolled(over connection: MutualTLSConnection) async throws -> SimulatedNode {
        let nodeArea = Self.signingArea(nodeKey.publicKey)
        let request = try StrictJSON.encode(
            EnrollmentRequest(
                nodeID: id, manifestToken: nil, ekPublic: WireBytes(ek.publicArea.marshalled), ekCertificates: [],
                akPublic: WireBytes(ak.publicArea.marshalled), nodeKeyPublic: WireBytes(nodeArea.marshalled),
                platform: PlatformIdentity(manufacturer: "Bootgate", product: "Fleet")))
        let reply = try await connection.post("/v1/enrollments", request).expect(201)
        let challenge = try StrictJSON.decode(EnrollmentChallenge.self, from: reply)
        let credential = CredentialChallenge(
            credentialBlob: challenge.credentialBlob.bytes, encryptedSecret: challenge.encryptedSecret.bytes)
        guard let akName = ak.publicArea.name, let secret = try ek.activate(credential, for: akName) else {
            throw FleetError("\(id): the credential does not open")
        }
        let transcript = ProtocolBinding.enrollmentTranscript(request: request, response: reply, nodeKeySPKI: spki)
        let certified = try ak.certify(nodeArea, under: .endorsementHierarchy, extraData: transcript)
        let activation = try StrictJSON.encode(
            ActivationRequest(
                proof: WireBytes(MessageAuthentication.hmacSHA256(key: secret, transcript)),
                nodeKeyCertifyInfo: WireBytes(certified.attest),
                nodeKeyCertifySignature: WireBytes(certified.signature)))
        let path = "/v1/enrollments/\(challenge.enrollmentID)/activation"
        let result = try StrictJSON.decode(
            EnrollmentResult.self, from: try await connection.post(path, activation).expect(201))
        guard result.lifecycle == .enrolled else { throw FleetError("\(id) is \(result.lifecycle.rawValue)") }
        var node = self
        node.identity = try tlsIdentity(result.identityCertificates.map(\.bytes))
        return node
    }

    /// One attestation as the agent makes it: challenge, evidence, and what the verifier lacks.
    ///
    /// - Parameters:
    ///   - pending: the challenge that came with the last reply, if any.
    ///   - sendsValues: false once a reply has accepted these registers, as the agent does.
    func attest(
        over connection: MutualTLSConnection, pending: AttestationChallenge?, clock: UInt64, sendsValues: Bool = true
    ) async throws -> EvidenceReply {
        let challenge: AttestationChallenge
        if let pending { challenge = pending } else { challenge = try await self.challenge(over: connection) }
        let submission = try evidence(for: challenge, clock: clock, sendsValues: sendsValues)
        let first = try await connection.post("/v1/nodes/\(id)/evidence", try StrictJSON.encode(submission))
        var reply = try StrictJSON.decode(EvidenceReply.self, from: try first.expect(200, 202))
        while let need = reply.need.first {
            let log = need.log == EvidenceLog.measurementList.description ? list?.bytes ?? [] : boot.eventLog
            guard EvidenceLog.eventLog.description == need.log || list != nil, need.offset <= log.count else {
                throw FleetError("\(id): the verifier asks for \(need.log) at \(need.offset)")
            }
            let path = "/v1/nodes/\(id)/evidence/\(reply.evidenceID)/logs/\(need.log)?offset=\(need.offset)"
            let uploaded = try await connection.put(
                path, Array(log[need.offset..<min(log.count, need.offset + Self.uploadPiece)]))
            reply = try StrictJSON.decode(EvidenceReply.self, from: try uploaded.expect(200, 202))
        }
        return reply
    }

    /// As the agent cuts uploads.
    private static let uploadPiece = 4 << 20

    private func challenge(over connection: MutualTLSConnection) async throws -> AttestationChallenge {
        let body = try StrictJSON.encode(
            ChallengeRequest(bootID: claimsTemplate.bootID, agentRunID: claimsTemplate.agentRunID))
        let reply = try await connection.post("/v1/nodes/\(id)/challenges", body).expect(201)
        return try StrictJSON.decode(AttestationChallenge.self, from: reply)
    }

    /// Evidence that says that the list has so many bytes, and brings none.
    func announce(
        listOf size: Int, over connection: MutualTLSConnection, clock: UInt64
    ) async throws -> MutualTLSConnection.Response {
        let challenge = try await challenge(over: connection)
        var submission = try evidence(for: challenge, clock: clock, sendsValues: false)
        submission.measurementList?.end = size
        submission.measurementList?.bytes = WireBytes([])
        return try await connection.post("/v1/nodes/\(id)/evidence", try StrictJSON.encode(submission))
    }

    private func evidence(
        for challenge: AttestationChallenge, clock: UInt64, sendsValues: Bool
    ) throws -> EvidenceSubmission {
        var claims = claimsTemplate
        claims.challengeID = challenge.challengeID
        let claimBytes = try StrictJSON.encode(claims)
        let (selection, values, wireValues) = try boot.registers(
            for: TPMLPCRSelection(marshalled: challenge.pcrSelection.bytes), list)
        let part = list.flatMap { list in
            challenge.measurementListOffset.map { offset in
                let rest = Array(list.bytes[min(offset, list.bytes.count)...])
                return MeasurementListPart(
                    offset: offset, end: list.bytes.count,
                    bytes: WireBytes(rest.count <= MeasurementListPart.longestInline ? rest : []))
            }
        }
        let quote = try ak.quote(
            extraData: ProtocolBinding.evidence(
                nonce: challenge.nonce.bytes, nodeKeySPKI: spki, claims: claimBytes),
            selection: selection, values: values,
            clock: TPMSClockInfo(clock: clock, resetCount: 1, restartCount: 0, safe: true))
        return EvidenceSubmission(
            challengeID: challenge.challengeID, quote: WireBytes(quote.attest), signature: WireBytes(quote.signature),
            claims: WireBytes(claimBytes), pcrs: sendsValues ? wireValues : nil,
            logs: [
                LogSummary(
                    log: EvidenceLog.eventLog.description, byteCount: boot.eventLog.count,
                    sha256: WireBytes(boot.eventLogDigest))
            ], measurementList: part)
    }
}

/// What all simulated nodes booted: one real firmware event log and the registers it leaves.
struct SimulatedBoot: Sendable {
    let eventLog: [UInt8]
    let eventLogDigest: [UInt8]
    private let replay: PCRReplay
    let banks: Set<PCRBank>

    init(eventLog: [UInt8]) throws {
        self.eventLog = eventLog
        eventLogDigest = MessageDigest.hash(eventLog, .sha256).bytes
        let log = try TCGEventLog(parsing: eventLog)
        replay = log.replay()
        banks = Set(log.banks)
    }

    /// What the log left in all registers.
    var values: PCRValues { replay.values }

    /// The selection that is quoted (a bank this TPM lacks has an empty bitmap), the values, and their wire form.
    func registers(
        for requested: TPMLPCRSelection, _ list: SimulatedList? = nil
    ) throws -> (TPMLPCRSelection, PCRValues, [String: [String: String]]) {
        var values = PCRValues()
        var wire: [String: [String: String]] = [:]
        let selection = requested.limited(toAllocated: banks)
        for entry in selection.selections {
            let bank = entry.bank
            for index in entry.pcrs.indices {
                let measured = index.rawValue == 10 ? list?.registers[bank] : nil
                let value =
                    measured ?? replay.values[bank, index]
                    ?? PCRReplay.initialValue(index, bank: bank, startupLocality: replay.startupLocality)
                values.set(value, bank: bank, index: index)
                wire[bank.name, default: [:]][String(index.rawValue)] = value.hex
            }
        }
        return (selection, values, wire)
    }
}

struct FleetError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

extension MutualTLSConnection.Response {
    /// The body, when the status is one of those that the protocol gives here.
    func expect(_ statuses: Int...) throws -> [UInt8] {
        guard statuses.contains(status) else {
            throw FleetError("HTTP \(status): \(String(decoding: body.prefix(300), as: UTF8.self))")
        }
        return body
    }
}
