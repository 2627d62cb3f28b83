public import ReferenceValues

/// The outcome of one appraisal (RFC 9334): a verdict, and for each layer everything that was found. Its JSON is what
/// `bootgate appraise -o json` prints and what the verifier stores; documented in the operations article.
public struct AttestationResult: Hashable, Sendable, Codable {
    public static let currentFormat = "bootgate-attestation-result/v1"

    public enum Verdict: String, Hashable, Sendable, Codable { case pass, fail, error }
    public enum ReferenceStatus: String, Hashable, Sendable, Codable { case draft, approved }
    /// Whether the attestation key is known to be this node's, or was taken from the evidence itself.
    public enum Identity: String, Hashable, Sendable, Codable { case enrolled, assumed }
    /// What the quote's qualifying data binds. The server never takes `nonce-only`.
    public enum Binding: String, Hashable, Sendable, Codable {
        case evidence = "evidence-v1"
        case nonceOnly = "nonce-only"
    }

    /// The event that broke the first broken layer.
    public struct DivergentEvent: Hashable, Sendable, Codable {
        public var pcr: Int?
        /// Index in the event log; nil for an event that is missing.
        public var index: Int?
        public var untrustedType: String?
        public var name: String?
        public var expected: String?
        public var seen: String?

        init(_ finding: Finding) {
            pcr = finding.pcr
            index = finding.event
            untrustedType = finding.untrustedType
            name = finding.name
            expected = finding.expected
            seen = finding.seen
        }
    }

    public struct LayerResult: Hashable, Sendable, Codable {
        public var id: LayerID
        public var tier: Tier
        public var restsOn: LayerID?
        /// False when a layer that this one rests on is broken: its own findings then prove nothing. False too for tier
        /// `none`: what nobody looked at is not trusted.
        public var trustworthy: Bool
        /// Whether the verdict needs this layer.
        public var required: Bool
        /// Whether the reference set speaks about it.
        public var covered: Bool
        public var findings: [Finding]
    }

    public struct ReferenceIdentity: Hashable, Sendable, Codable {
        public var name: String
        public var group: String
        /// Nil for a file that never had one.
        public var version: Int?
        /// Hex of SHA-256 over the document's exact bytes.
        public var documentSHA256: String?
        public init(name: String, group: String, version: Int? = nil, documentSHA256: String? = nil) {
            self.name = name
            self.group = group
            self.version = version
            self.documentSHA256 = documentSHA256
        }
    }

    public struct AppliedWaiver: Hashable, Sendable, Codable {
        public var finding: String
        public var pcr: Int
        /// How many findings it let stand in this appraisal.
        public var count: Int
        public var reason: String
    }

    public var format: String
    public var verdict: Verdict
    public var firstBrokenLayer: LayerID?
    public var firstDivergentEvent: DivergentEvent?
    /// In boot order, all ten.
    public var layers: [LayerResult]
    public var reference: ReferenceIdentity?
    public var referenceStatus: ReferenceStatus?
    /// One operator proposed and approved (lab mode).
    public var labMode: Bool
    public var identity: Identity
    public var binding: Binding
    public var waivers: [AppliedWaiver]
    /// Milliseconds since 1970, the appraiser's clock.
    public var appraisedAtMilliseconds: Int64

    public func layer(_ id: LayerID) -> LayerResult? { layers.first { $0.id == id } }
    /// Every layer that contradicts its references, in boot order.
    public var brokenLayers: [LayerID] { layers.filter { $0.tier == .contraindicated }.map(\.id) }
    /// All findings, in boot order of their layers.
    public var findings: [Finding] { layers.flatMap(\.findings) }
    /// Reason codes that made the verdict, each once, in boot order. Empty for a pass without warnings.
    public var reasons: [String] {
        findings.filter { $0.tier != .affirming }.map(\.id).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
