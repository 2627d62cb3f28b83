public import AssetFingerprints

/// `POST /v1/nodes/{id}/challenges`.
public struct ChallengeRequest: Hashable, Sendable, Codable {
    /// The kernel's boot id (`/proc/sys/kernel/random/boot_id`); self-reported.
    public var bootID: String
    /// New at each start of the agent; self-reported.
    public var agentRunID: String

    public init(bootID: String, agentRunID: String) {
        self.bootID = bootID
        self.agentRunID = agentRunID
    }
}

/// `201` to a ``ChallengeRequest``. Voids the node's older challenge.
public struct AttestationChallenge: Hashable, Sendable, Codable {
    public static let nonceSize = 32
    public var challengeID: String
    /// 32 bytes from the system generator.
    public var nonce: WireBytes
    /// Seconds until the nonce is void.
    public var expiresInSeconds: Int
    /// TPML_PCR_SELECTION (Part 2, section 10.9.7), as the TPM takes it: every bank that the verifier asks for with the
    /// registers to quote, so that an unallocated bank shows in the signed bitmaps.
    public var pcrSelection: WireBytes
    /// How often each kind of fingerprint is collected, in seconds; the agent follows it without a restart.
    public var fingerprintIntervals: [FingerprintKind: Int]
    /// Seconds between attestations.
    public var attestationIntervalSeconds: Int
    /// First byte of the kernel's measurement list that the verifier lacks of this boot, as far as it knows the boot; nil
    /// where the list is not wanted.
    public var measurementListOffset: Int?

    public init(
        challengeID: String, nonce: WireBytes, expiresInSeconds: Int, pcrSelection: WireBytes,
        fingerprintIntervals: [FingerprintKind: Int], attestationIntervalSeconds: Int,
        measurementListOffset: Int? = nil
    ) {
        self.challengeID = challengeID
        self.nonce = nonce
        self.expiresInSeconds = expiresInSeconds
        self.pcrSelection = pcrSelection
        self.fingerprintIntervals = fingerprintIntervals
        self.attestationIntervalSeconds = attestationIntervalSeconds
        self.measurementListOffset = measurementListOffset
    }
}

/// `POST /v1/nodes/{id}/evidence`.
public struct EvidenceSubmission: Hashable, Sendable, Codable {
    public var challengeID: String
    /// TPMS_ATTEST as the TPM made it.
    public var quote: WireBytes
    /// TPMT_SIGNATURE.
    public var signature: WireBytes
    /// The bytes of an ``EvidenceClaims`` document, hashed into the quote before anyone parses them.
    public var claims: WireBytes
    /// PCR values read after the quote; a hint until their digest equals the signed one. Hex by bank and index. Left out
    /// when the quote's digest is the one of the last accepted evidence of this boot.
    public var pcrs: [String: [String: String]]?
    /// What the node holds for upload.
    public var logs: [LogSummary]
    /// The kernel's measurement list as it was read after the quote; nil where it is not wanted or cannot be read.
    public var measurementList: MeasurementListPart?

    public init(
        challengeID: String, quote: WireBytes, signature: WireBytes, claims: WireBytes,
        pcrs: [String: [String: String]]?, logs: [LogSummary], measurementList: MeasurementListPart? = nil
    ) {
        self.challengeID = challengeID
        self.quote = quote
        self.signature = signature
        self.claims = claims
        self.pcrs = pcrs
        self.logs = logs
        self.measurementList = measurementList
    }
}

/// Names of the byte streams that `PUT …/logs/{log}` takes.
public enum EvidenceLog: Hashable, Sendable, CustomStringConvertible {
    case eventLog
    /// The kernel's measurement list (IMA), binary. Offsets count from its first byte.
    case measurementList
    case fingerprint(FingerprintKind)

    public init?(_ name: String) {
        if name == "event-log" {
            self = .eventLog
        } else if name == "ima" {
            self = .measurementList
        } else if name.hasPrefix("fingerprint-"), let kind = FingerprintKind(slug: String(name.dropFirst(12))) {
            self = .fingerprint(kind)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .eventLog: "event-log"
        case .measurementList: "ima"
        case .fingerprint(let kind): "fingerprint-\(kind.slug)"
        }
    }
}

/// Size and SHA-256 of a log as the node holds it: lets the verifier name only what it lacks.
public struct LogSummary: Hashable, Sendable, Codable {
    public var log: String
    public var byteCount: Int
    public var sha256: WireBytes

    public init(log: String, byteCount: Int, sha256: WireBytes) {
        self.log = log
        self.byteCount = byteCount
        self.sha256 = sha256
    }
}

/// The document whose SHA-256 is in the quote's qualifying data.
public struct EvidenceClaims: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    public var challengeID: String
    public var agentRunID: String
    public var bootID: String
    public var agentVersion: String
    /// SHA-256 of the agent's effective configuration.
    public var configurationDigest: WireBytes
    /// SHA-256 of each fingerprint report's canonical bytes.
    public var fingerprints: [FingerprintKind: FingerprintClaim]
    public var bootKey: BootKeyClaim?

    public init(
        nodeID: NodeID, challengeID: String, agentRunID: String, bootID: String, agentVersion: String,
        configurationDigest: WireBytes, fingerprints: [FingerprintKind: FingerprintClaim], bootKey: BootKeyClaim?
    ) {
        self.nodeID = nodeID
        self.challengeID = challengeID
        self.agentRunID = agentRunID
        self.bootID = bootID
        self.agentVersion = agentVersion
        self.configurationDigest = configurationDigest
        self.fingerprints = fingerprints
        self.bootKey = bootKey
    }
}

public struct FingerprintClaim: Hashable, Sendable, Codable {
    public var sha256: WireBytes
    /// Milliseconds since 1970 by the node's clock; never decides.
    public var collectedAtMilliseconds: Int64

    public init(sha256: WireBytes, collectedAtMilliseconds: Int64) {
        self.sha256 = sha256
        self.collectedAtMilliseconds = collectedAtMilliseconds
    }
}

/// An ECC P-256 primary under TPM_RH_NULL, certified by the AK; gone at every TPM Reset.
public struct BootKeyClaim: Hashable, Sendable, Codable {
    /// TPMT_PUBLIC.
    public var publicArea: WireBytes
    /// TPMS_ATTEST of TPM2_Certify by the AK; qualifyingData = SHA-256("bootgate/boot-key/v1" ‖ SHA-256(node-key SPKI)).
    /// Its reset and restart counts must be the quote's.
    public var certifyInfo: WireBytes
    public var certifySignature: WireBytes

    public init(publicArea: WireBytes, certifyInfo: WireBytes, certifySignature: WireBytes) {
        self.publicArea = publicArea
        self.certifyInfo = certifyInfo
        self.certifySignature = certifySignature
    }
}

/// `200` or `202` to evidence and to uploads. The agent learns the verdict and a reference, never the reason.
public struct EvidenceReply: Hashable, Sendable, Codable {
    public var evidenceID: String
    /// Present with `200`.
    public var verdict: Verdict?
    public var verdictID: String?
    /// Present with `202`: what is missing, from which offset.
    public var need: [LogNeed]
    /// Seconds until the next attestation is due.
    public var nextAttestationInSeconds: Int?
    /// Set when evidence is due within the life of a nonce: saves the next round trip.
    public var nextChallenge: AttestationChallenge?

    public init(
        evidenceID: String, verdict: Verdict?, verdictID: String?, need: [LogNeed], nextAttestationInSeconds: Int?,
        nextChallenge: AttestationChallenge?
    ) {
        self.evidenceID = evidenceID
        self.verdict = verdict
        self.verdictID = verdictID
        self.need = need
        self.nextAttestationInSeconds = nextAttestationInSeconds
        self.nextChallenge = nextChallenge
    }
}

public struct LogNeed: Hashable, Sendable, Codable {
    public var log: String
    /// First byte that the verifier lacks.
    public var offset: Int

    public init(log: String, offset: Int) {
        self.log = log
        self.offset = offset
    }
}

/// `GET /v1/admissions/{node}?audience=…`, for consumers and the node itself.
public struct AdmissionReply: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    public var decision: AdmissionDecision
    /// `ADM_…` or `ID_…` of the attack catalogue where the decision is deny; `ADM_OVERRIDE` with admit where two persons,
    /// and not the evidence, admit the node.
    public var reason: String?
    /// EAR as a JWT (ES256), life 60 s; present with admit, and with deny for a known node.
    public var ear: String?
    /// DER, the admission certificate over the boot key first, then its issuers; with admit only.
    public var admissionCertificates: [WireBytes]
    public var verdictID: String?
    /// Milliseconds since 1970, the verifier's clock: the life of this answer.
    public var validUntilMilliseconds: Int64?
    /// With admit: seconds after which the decision ends unless new evidence renews it. A duration, because a node's clock
    /// may be wrong by years.
    public var admittedForSeconds: Int?
    /// The override that holds now.
    public var override: OverrideView?

    public init(
        nodeID: NodeID, decision: AdmissionDecision, reason: String?, ear: String?,
        admissionCertificates: [WireBytes], verdictID: String?, validUntilMilliseconds: Int64?,
        admittedForSeconds: Int? = nil, override: OverrideView? = nil
    ) {
        self.nodeID = nodeID
        self.decision = decision
        self.reason = reason
        self.ear = ear
        self.admissionCertificates = admissionCertificates
        self.verdictID = verdictID
        self.validUntilMilliseconds = validUntilMilliseconds
        self.admittedForSeconds = admittedForSeconds
        self.override = override
    }
}

/// The fixed body of every refusal: a stable code and a reference for the operator's log, nothing else (TA-13).
public struct Problem: Hashable, Sendable, Codable, Error {
    public var code: String
    public var reference: String
    /// Set with `409` to a byte-identical resend: the id of the first verdict.
    public var verdictID: String?
    /// Set with `IMA_OFFSET`: the first byte of the measurement list that is wanted.
    public var offset: Int?
    /// Only to authenticated operators: what to do next.
    public var detail: String?

    public init(
        code: String, reference: String, verdictID: String? = nil, offset: Int? = nil, detail: String? = nil
    ) {
        self.code = code
        self.reference = reference
        self.verdictID = verdictID
        self.offset = offset
        self.detail = detail
    }
}
