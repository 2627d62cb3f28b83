public import ReferenceValues
public import TCGEventLog
public import TPMCryptography
internal import TPMStructures

/// One thing that an appraisal found, in the terms of the attack catalogue. Data, never an exception.
public struct Finding: Hashable, Sendable, Codable, Error {
    /// A reason code of the attack catalogue: `LOG_REPLAY`, `REF_UNKNOWN_COMPONENT`, ….
    public var id: String
    public var tier: Tier
    public var layer: LayerID
    public var pcr: Int?
    /// Index in the event log, from 0.
    public var event: Int?
    /// The event's type as the log states it; covered by no digest.
    public var untrustedType: String?
    /// The thing's name for people: from the reference set where one is expected, else from the log (then untrusted).
    public var name: String?
    public var expected: String?
    public var seen: String?
    /// One sentence. May hold text from the node: printers escape it.
    public var detail: String
    /// The known deviation that this is an instance of: a name of the table of quirks.
    public var quirk: String?
    /// True when the reference set lets this finding stand; its tier is then affirming.
    public var waived: Bool?

    public init(
        _ id: String, _ tier: Tier, _ layer: LayerID, pcr: Int? = nil, event: Int? = nil,
        untrustedType: String? = nil, name: String? = nil, expected: String? = nil, seen: String? = nil,
        detail: String
    ) {
        self.id = id
        self.tier = tier
        self.layer = layer
        self.pcr = pcr
        self.event = event
        self.untrustedType = untrustedType
        self.name = name
        self.expected = expected
        self.seen = seen
        self.detail = detail
    }
}

/// Reason codes of findings that this room makes; those of logs, quotes and certificates come from their rooms.
public enum FindingID {
    /// Layer 7 by a change plan's set, in its window: the update is installed, and the node has not rebooted into it.
    public static let planInstalled = "PLAN_INSTALLED"
    /// A component that no reference knows (EL-23), also one in the place of another.
    public static let unknownComponent = "REF_UNKNOWN_COMPONENT"
    /// A component that the references demand and the log lacks.
    public static let missingComponent = "REF_MISSING_COMPONENT"
    /// A known component in another place of its register than the references say.
    public static let order = "REF_ORDER"
    /// Anything in PCR 7 that the references do not know (EL-19).
    public static let secureBoot = "REF_SECUREBOOT"
    /// Anything in PCR 14 that the references do not know (EL-21).
    public static let mok = "REF_MOK"
    /// Another kernel command line (EL-22).
    public static let commandLine = "REF_CMDLINE"
    /// On the deny-list (EL-20).
    public static let revokedComponent = "REF_REVOKED_COMPONENT"
    /// dbx lacks revocations that the feed demands (EL-20).
    public static let staleDBX = "REF_DBX_STALE"
    /// shim's SbatLevel lets run what the feed says is vulnerable (EL-20).
    public static let staleSBAT = "REF_SBAT_STALE"
    /// A register's value that the references do not list, or do not add up to.
    public static let registerValue = "REF_PCR_VALUE"
    /// The reference set is not valid at the time of the appraisal (RV-08).
    public static let referencesExpired = "REF_EXPIRED"
    /// No reference set (RV-01).
    public static let referencesMissing = "POL_MISSING"
    /// No event log was sent, or the firmware made none.
    public static let logMissing = "LOG_MISSING"
    /// The quote signs no register, or no bank, that the references speak about.
    public static let quotedRegisters = "QUOTE_PCR_SELECTION"
    public static let quotedBanks = "QUOTE_BANK_SET"
    public static let replay = "LOG_REPLAY"
    public static let format = "LOG_FORMAT"
    public static let bankUnused = "LOG_BANK_UNUSED"
    /// A known deviation of firmware, boot loader or system that breaks no rule; noted, never judged.
    public static let quirk = "LOG_QUIRK"
    /// PCR 15 holds something; reported, never judged.
    public static let reported = "PCR_REPORTED"
    /// The layer's evidence is missing.
    public static let evidenceMissing = "EVIDENCE_MISSING"
    /// The appraisal itself ended by an error: nothing is known (AD-06).
    public static let appraisalFailed = "APPRAISAL_FAILED"
    /// The layer rests on one that nobody attests: self-reported, at most a warning.
    public static let selfReported = "SELF_REPORTED"
}

extension Finding {
    /// Every reason of a refused quote, key or certificate, as findings of layer 1.
    public static func all<Code>(of refusal: Refusal<Code>) -> [Finding] {
        refusal.reasons.map { Finding($0.code.rawValue, .contraindicated, .tpmIdentity, detail: $0.detail) }
    }

    /// A rule of the firmware profile that a log breaks, in the layer that its register belongs to.
    public init(_ finding: LogFinding, layer: LayerID) {
        self.init(
            finding.id.rawValue, finding.severity == .warning ? .warning : .contraindicated, layer,
            pcr: finding.pcr.map { Int($0.rawValue) }, event: finding.eventIndex, name: finding.name,
            expected: finding.expected.isEmpty ? nil : finding.expected,
            seen: finding.seen.isEmpty ? nil : finding.seen, detail: finding.detail)
        quirk = finding.quirk?.rawValue
    }

    /// A known deviation without weight, so that a reader of the log need not wonder.
    public init(_ note: ObservedQuirk, layer: LayerID) {
        let times = note.count == 1 ? "" : " (\(note.count) times)"
        self.init(
            FindingID.quirk, .affirming, layer, pcr: note.pcr.map { Int($0.rawValue) }, event: note.eventIndices.first,
            name: note.subjects.joined(separator: ", "), detail: note.quirk.entry.meaning + times)
        quirk = note.quirk.rawValue
    }
}
