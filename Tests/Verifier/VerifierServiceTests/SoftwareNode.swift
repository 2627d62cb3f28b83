import AssetFingerprints
import AttestationMessages
import AttestationTestKit
import Crypto
import JSONCoding
import TPMCryptography
import TPMStructures
import TestVectors
import VerifierService

/// A node whose TPM is in this process: software EK and AK, the registers and the log of the committed golden boot.
struct SoftwareNode: Sendable {
    var id: NodeID
    var ek = SoftwareEK.p256()
    var ak = SoftwareAK.p256()
    var nodeKey = P256.Signing.PrivateKey()
    var nodeKeyAttributes: TPMAObject = [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .noDA, .sign]
    var clock = TPMSClockInfo(clock: 1_000, resetCount: 1, restartCount: 0, safe: true)
    var bootID = "boot-1"
    var runID = "run-1"
    var values = PCRValues()
    var eventLog: [UInt8]
    /// By the name of their log.
    var reports: [String: [UInt8]] = [:]
    /// The kernel's measurement list; its registers are ``values``, see ``measure(_:)``.
    var measurements: IMAListBuilder?
    var bootKey: BootKeyClaim?
    /// What its SMBIOS says.
    var platform = PlatformIdentity()
    var source = "192.0.2.1"

    init(_ name: String) throws {
        guard let id = NodeID(name) else { throw ServiceError(.syntax, "API_BAD_ID") }
        self.id = id
        eventLog = try TestVectors.golden.eventLog
        for (bank, registers) in try TestVectors.golden.pcrs {
            for (index, hex) in registers {
                guard let pcr = PCRIndex(index), let digest = Digest("\(bank):\(hex)") else { continue }
                values.set(digest, bank: digest.algorithm, index: pcr)
            }
        }
    }

    var ekName: [UInt8] { ek.publicArea.name?.bytes ?? [] }
    var akName: [UInt8] { ak.publicArea.name?.bytes ?? [] }
    var nodeKeyArea: TPMTPublic { Self.area(nodeKey, nodeKeyAttributes) }
    static func area(_ key: P256.Signing.PrivateKey, _ attributes: TPMAObject) -> TPMTPublic {
        let point = Array(key.publicKey.rawRepresentation)
        return TPMTPublic(
            nameAlgorithm: .sha256, attributes: attributes,
            key: .ecc(
                .init(
                    symmetric: .none, scheme: .null, curve: .nistP256, x: Array(point.prefix(32)),
                    y: Array(point.suffix(32)))))
    }
    var spki: [UInt8] { Array(nodeKey.publicKey.derRepresentation) }
    var peer: NodePeer { NodePeer(nodeID: id, spki: spki, source: source) }
    var enrollmentPeer: EnrollmentPeer { EnrollmentPeer(spki: spki, source: source) }

    mutating func reboot() {
        clock.resetCount += 1
        clock.clock += 100_000
        bootID += "+"
        runID += "+"
    }

    /// Another kernel without a reset of the TPM.
    mutating func kexec() {
        clock.clock += 10_000
        bootID += "k"
        runID += "k"
    }

    // MARK: Enrollment

    func enrollmentBody(token: String? = nil) throws -> [UInt8] {
        try StrictJSON.encode(
            EnrollmentRequest(
                nodeID: id, manifestToken: token, ekPublic: WireBytes(ek.publicArea.marshalled), ekCertificates: [],
                akPublic: WireBytes(ak.publicArea.marshalled), nodeKeyPublic: WireBytes(nodeKeyArea.marshalled),
                platform: platform))
    }

    /// Asks for a challenge and answers it as an honest TPM would.
    func activation(
        _ bench: VerifierTestBench, token: String? = nil
    ) async throws -> (challenge: EnrollmentChallenge, request: ActivationRequest) {
        let body = try enrollmentBody(token: token)
        let response = try await bench.enrollment.enroll(body, peer: enrollmentPeer)
        let challenge = try StrictJSON.decode(EnrollmentChallenge.self, from: response)
        return (challenge, try activation(of: challenge, body: body, response: response))
    }

    func activation(
        of challenge: EnrollmentChallenge, body: [UInt8], response: [UInt8]
    ) throws -> ActivationRequest {
        let secret = try ek.activate(
            CredentialChallenge(
                credentialBlob: challenge.credentialBlob.bytes, encryptedSecret: challenge.encryptedSecret.bytes),
            for: ak.publicArea.name ?? TPM2BName(handle: 0))
        let transcript = ProtocolBinding.enrollmentTranscript(request: body, response: response, nodeKeySPKI: spki)
        let proof = HMAC<SHA256>.authenticationCode(for: transcript, using: SymmetricKey(data: secret ?? [0]))
        let certify = try ak.certify(nodeKeyArea, under: .endorsementHierarchy, extraData: transcript)
        return ActivationRequest(
            proof: WireBytes(Array(proof)), nodeKeyCertifyInfo: WireBytes(certify.attest),
            nodeKeyCertifySignature: WireBytes(certify.signature))
    }

    // MARK: Evidence

    func challenge(_ bench: VerifierTestBench) async throws -> AttestationChallenge {
        try await bench.attestation.challenge(ChallengeRequest(bootID: bootID, agentRunID: runID), node: peer)
    }

    func evidence(_ bench: VerifierTestBench) async throws -> EvidenceSubmission {
        try evidence(for: try await challenge(bench))
    }

    func evidence(
        for challenge: AttestationChallenge, nonce: [UInt8]? = nil, banks: Set<PCRBank>? = nil,
        edit: (inout TPMSAttest) -> Void = { _ in }
    ) throws -> EvidenceSubmission {
        let claims = try StrictJSON.encode(
            EvidenceClaims(
                nodeID: id, challengeID: challenge.challengeID, agentRunID: runID, bootID: bootID, agentVersion: "1",
                configurationDigest: WireBytes([UInt8](repeating: 0, count: 32)), fingerprints: fingerprintClaims,
                bootKey: bootKey))
        let extraData = ProtocolBinding.evidence(
            nonce: nonce ?? challenge.nonce.bytes, nodeKeySPKI: spki, claims: claims)
        let quote = try ak.quote(
            extraData: extraData, selection: selection(challenge, banks ?? Set(values.banks.keys)), values: values,
            clock: clock, edit: edit)
        return EvidenceSubmission(
            challengeID: challenge.challengeID, quote: WireBytes(quote.attest), signature: WireBytes(quote.signature),
            claims: WireBytes(claims), pcrs: PCRValueCodec.wire(values),
            logs: [Self.summary("event-log", eventLog)] + reports.map(Self.summary),
            measurementList: challenge.measurementListOffset.flatMap(measurementList))
    }

    /// What an honest agent sends of its list.
    func measurementList(from offset: Int) -> MeasurementListPart? {
        guard let bytes = measurements?.bytes else { return nil }
        let start = offset <= bytes.count ? offset : 0
        let rest = Array(bytes[start...])
        return MeasurementListPart(
            offset: start, end: bytes.count,
            bytes: WireBytes(rest.count <= MeasurementListPart.longestInline ? rest : []))
    }

    /// The kernel measures more; nil begins a list with the boot aggregate.
    mutating func measure(_ add: (inout IMAListBuilder) -> Void) {
        var list = measurements ?? IMAListBuilder()
        if list.entries.isEmpty { list.addBootAggregate(values) }
        add(&list)
        measurements = list
        for bank in values.banks.keys { values.set(list.register(bank), bank: bank, index: PCRIndex.all[10]) }
    }

    static func summary(_ log: String, _ bytes: [UInt8]) -> LogSummary {
        LogSummary(log: log, byteCount: bytes.count, sha256: WireBytes(Array(SHA256.hash(data: bytes))))
    }

    private var fingerprintClaims: [FingerprintKind: FingerprintClaim] {
        reports.reduce(into: [:]) { claims, report in
            guard case .fingerprint(let kind)? = EvidenceLog(report.key) else { return }
            claims[kind] = FingerprintClaim(
                sha256: WireBytes(Array(SHA256.hash(data: report.value))), collectedAtMilliseconds: 1)
        }
    }

    /// A primary of the NULL hierarchy that the AK certified for this node's key in this boot. Whoever names other
    /// arguments is no honest TPM.
    func certify(
        bootKey key: P256.Signing.PrivateKey, by signer: SoftwareAK? = nil, extraData: [UInt8]? = nil,
        attributes: TPMAObject? = nil, under parent: TPM2BName = .nullHierarchy, resetCount: UInt32? = nil
    ) throws -> BootKeyClaim {
        let area = Self.area(key, attributes ?? nodeKeyAttributes)
        let signed = try (signer ?? ak).certify(
            area, under: parent, extraData: extraData ?? ProtocolBinding.bootKey(nodeKeySPKI: spki)
        ) { attest in
            attest.clockInfo = clock
            attest.clockInfo.resetCount = resetCount ?? clock.resetCount
        }
        return BootKeyClaim(
            publicArea: WireBytes(area.marshalled), certifyInfo: WireBytes(signed.attest),
            certifySignature: WireBytes(signed.signature))
    }

    private func selection(_ challenge: AttestationChallenge, _ allocated: Set<PCRBank>) -> TPMLPCRSelection {
        let asked = try? TPMLPCRSelection(marshalled: challenge.pcrSelection.bytes)
        return (asked ?? TPMLPCRSelection(PCRSet(), banks: [])).limited(toAllocated: allocated)
    }

    /// The registers as a quote of this node shows them, for a capture.
    func attestedPCRs() throws -> AttestedPCRs {
        let registers = PCRSet((0...15).filter { $0 != 10 || measurements != nil }.compactMap { PCRIndex($0) })
        let selection = TPMLPCRSelection(registers, banks: Set(values.banks.keys))
        let quote = try ak.quote(extraData: [], selection: selection, values: values)
        return try UnverifiedQuote(attest: quote.attest, signature: quote.signature).verify(
            with: AttestationKey(ak.publicArea),
            expecting: QuoteExpectation(offlineExtraData: nil, selection: nil, signers: nil)
        ).attest(values)
    }
}
