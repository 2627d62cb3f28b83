/// `POST /v1/enrollments`, on the enrollment listener, over a self-signed client certificate of the node key.
public struct EnrollmentRequest: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    /// One-time token of the manifest entry, where the operator uses them (catalogue ID-19).
    public var manifestToken: String?
    /// TPMT_PUBLIC of the endorsement key.
    public var ekPublic: WireBytes
    /// DER certificates, the EK's own first, then its issuers as stored in NV. Empty where NV holds none.
    public var ekCertificates: [WireBytes]
    /// TPMT_PUBLIC of the attestation key.
    public var akPublic: WireBytes
    /// TPMT_PUBLIC of the node key; its SPKI must equal that of the TLS certificate.
    public var nodeKeyPublic: WireBytes
    /// SMBIOS identity, self-reported: shown, never used to decide.
    public var platform: PlatformIdentity

    public init(
        nodeID: NodeID, manifestToken: String?, ekPublic: WireBytes, ekCertificates: [WireBytes], akPublic: WireBytes,
        nodeKeyPublic: WireBytes, platform: PlatformIdentity
    ) {
        self.nodeID = nodeID
        self.manifestToken = manifestToken
        self.ekPublic = ekPublic
        self.ekCertificates = ekCertificates
        self.akPublic = akPublic
        self.nodeKeyPublic = nodeKeyPublic
        self.platform = platform
    }
}

/// SMBIOS strings as the node reports them; attacker-controlled.
public struct PlatformIdentity: Hashable, Sendable, Codable {
    public var manufacturer: String?
    public var product: String?
    public var serialNumber: String?
    public var uuid: String?

    public init(
        manufacturer: String? = nil, product: String? = nil, serialNumber: String? = nil, uuid: String? = nil
    ) {
        self.manufacturer = manufacturer
        self.product = product
        self.serialNumber = serialNumber
        self.uuid = uuid
    }
}

/// `201` to an ``EnrollmentRequest``: the credential that only the TPM holding both EK and AK can open.
public struct EnrollmentChallenge: Hashable, Sendable, Codable {
    /// Names the challenge in the activation's path; valid 60 s, three tries.
    public var enrollmentID: String
    /// TPM2B_ID_OBJECT without its outer size (Part 2, section 12.4.3).
    public var credentialBlob: WireBytes
    /// TPM2B_ENCRYPTED_SECRET without its outer size (Part 2, section 11.4.33).
    public var encryptedSecret: WireBytes

    public init(enrollmentID: String, credentialBlob: WireBytes, encryptedSecret: WireBytes) {
        self.enrollmentID = enrollmentID
        self.credentialBlob = credentialBlob
        self.encryptedSecret = encryptedSecret
    }
}

/// `POST /v1/enrollments/{id}/activation`.
public struct ActivationRequest: Hashable, Sendable, Codable {
    /// HMAC-SHA-256 keyed by the recovered secret, over the enrollment transcript.
    public var proof: WireBytes
    /// TPMS_ATTEST of TPM2_Certify(node key) by the AK, qualifyingData = the enrollment transcript.
    public var nodeKeyCertifyInfo: WireBytes
    /// TPMT_SIGNATURE over `nodeKeyCertifyInfo`.
    public var nodeKeyCertifySignature: WireBytes

    public init(proof: WireBytes, nodeKeyCertifyInfo: WireBytes, nodeKeyCertifySignature: WireBytes) {
        self.proof = proof
        self.nodeKeyCertifyInfo = nodeKeyCertifyInfo
        self.nodeKeyCertifySignature = nodeKeyCertifySignature
    }
}

/// `201` to an activation or a renewal.
public struct EnrollmentResult: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    public var lifecycle: NodeLifecycle
    /// DER, the node's own first, then its issuers. Proves which machine speaks, never that it is good. A pending node
    /// gets one too, so that it can ask again; it may not attest before approval.
    public var identityCertificates: [WireBytes]
    /// Seconds after which the agent asks again while it is pending.
    public var retryAfterSeconds: Int?

    public init(
        nodeID: NodeID, lifecycle: NodeLifecycle, identityCertificates: [WireBytes], retryAfterSeconds: Int?
    ) {
        self.nodeID = nodeID
        self.lifecycle = lifecycle
        self.identityCertificates = identityCertificates
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// `POST /v1/renewals`, on the enrollment listener, over the self-signed certificate of the same node key.
public struct RenewalRequest: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    /// Names (algorithm and digest) of the EK and AK that were enrolled.
    public var ekName: WireBytes
    public var akName: WireBytes

    public init(nodeID: NodeID, ekName: WireBytes, akName: WireBytes) {
        self.nodeID = nodeID
        self.ekName = ekName
        self.akName = akName
    }
}
