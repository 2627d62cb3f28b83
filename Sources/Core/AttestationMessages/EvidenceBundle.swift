public import AssetFingerprints
public import JSONCoding

/// One node's evidence in one file, as `bootgate-agent capture` writes it and `bootgate appraise`, `inspect evidence` and
/// `reference capture` read it offline. Nobody challenged it: the quote's extraData is the bare nonce (`nonce-only`), which
/// the verifier's API never accepts.
public struct EvidenceBundle: Hashable, Sendable, Codable {
    public static let currentFormat = "bootgate-evidence-bundle/v1"
    /// Bytes of the document: the caps of its logs as base64url, and room for the rest.
    public static let maximumSize = 64 << 20

    public var format: String
    /// The agent that wrote it.
    public var agentVersion: String
    /// The quote's extraData.
    public var nonce: WireBytes
    /// TPMS_ATTEST.
    public var quote: WireBytes
    /// TPMT_SIGNATURE.
    public var signature: WireBytes
    /// TPMT_PUBLIC of the attestation key.
    public var akPublic: WireBytes
    /// The quoted registers: hex by bank name and index.
    public var pcrs: [String: [String: String]]
    /// `binary_bios_measurements`; nil where the firmware left none.
    public var eventLog: WireBytes?
    /// `binary_runtime_measurements`, read after the quote; nil where the kernel measures nothing.
    public var measurementList: WireBytes?
    /// TPMT_PUBLIC of the endorsement key.
    public var ekPublic: WireBytes?
    /// DER, the EK's own first, then its issuers.
    public var ekCertificates: [WireBytes]?
    /// Canonical bytes of each report.
    public var fingerprints: [FingerprintKind: WireBytes]?

    public init(
        agentVersion: String, nonce: WireBytes, quote: WireBytes, signature: WireBytes, akPublic: WireBytes,
        pcrs: [String: [String: String]], eventLog: WireBytes?, measurementList: WireBytes? = nil,
        ekPublic: WireBytes? = nil, ekCertificates: [WireBytes]? = nil,
        fingerprints: [FingerprintKind: WireBytes]? = nil
    ) {
        format = Self.currentFormat
        self.agentVersion = agentVersion
        self.nonce = nonce
        self.quote = quote
        self.signature = signature
        self.akPublic = akPublic
        self.pcrs = pcrs
        self.eventLog = eventLog
        self.measurementList = measurementList
        self.ekPublic = ekPublic
        self.ekCertificates = ekCertificates
        self.fingerprints = fingerprints
    }

    /// Reads a bundle: strict JSON, no unknown keys, this format only.
    public init(parsing bytes: [UInt8]) throws(StrictJSONError) {
        let bundle = try StrictJSON.decode(
            EvidenceBundle.self, from: bytes, limits: StrictJSONLimits(maxBytes: Self.maximumSize, maxDepth: 8),
            unknownKeys: .refused)
        guard bundle.format == Self.currentFormat else {
            throw StrictJSONError(.value("must be \(Self.currentFormat)"), path: "format")
        }
        self = bundle
    }

    /// The file's bytes.
    public func encoded() throws(StrictJSONError) -> [UInt8] { try StrictJSON.encode(self, pretty: true) + [0x0A] }
}
