/// One line of a factory manifest. Exactly one of `ekName`, `ekSPKISHA256`, or `ekIssuer` + `ekSerial` +
/// `ekSPKISHA256` names the EK.
public struct ManifestEntry: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    /// Hex of the EK's name (nameAlg ‖ digest).
    public var ekName: String?
    /// Hex of SHA-256 over the EK's SubjectPublicKeyInfo (DER).
    public var ekSPKISHA256: String?
    /// RFC 4514 issuer of the EK certificate.
    public var ekIssuer: String?
    /// Hex serial number of the EK certificate.
    public var ekSerial: String?
    public var assetTag: String?
    public var site: String?
    public var group: String?
    /// When set, the node must present this token once (ID-19); the store keeps only a salted hash.
    public var token: String?

    public init(
        nodeID: NodeID, ekName: String? = nil, ekSPKISHA256: String? = nil, ekIssuer: String? = nil,
        ekSerial: String? = nil, assetTag: String? = nil, site: String? = nil, group: String? = nil,
        token: String? = nil
    ) {
        self.nodeID = nodeID
        self.ekName = ekName
        self.ekSPKISHA256 = ekSPKISHA256
        self.ekIssuer = ekIssuer
        self.ekSerial = ekSerial
        self.assetTag = assetTag
        self.site = site
        self.group = group
        self.token = token
    }
}

public struct ManifestImport: Hashable, Sendable, Codable {
    public var entries: [ManifestEntry]
    public var dryRun: Bool
    public init(entries: [ManifestEntry], dryRun: Bool = false) {
        self.entries = entries
        self.dryRun = dryRun
    }
}

public struct ManifestImportResult: Hashable, Sendable, Codable {
    public var added: Int
    public var unchanged: Int
    /// Entries refused, each with its reason; nothing is written when one is.
    public var conflicts: [String]
    public init(added: Int, unchanged: Int, conflicts: [String]) {
        self.added = added
        self.unchanged = unchanged
        self.conflicts = conflicts
    }
}

/// What operators see of a node.
public struct NodeView: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    public var state: NodeState
    public var lifecycle: NodeLifecycle
    public var standing: NodeStanding
    public var site: String?
    public var group: String?
    public var assetTag: String?
    public var platform: PlatformIdentity
    public var ekName: String
    public var akName: String
    /// `certified`, `manifest-vouched` or `inventory-vouched`.
    public var ekTrust: String
    public var tpmManufacturer: String?
    public var tpmModel: String?
    public var tpmFirmware: String?
    public var enrolledAtMilliseconds: Int64
    public var lastEvidenceAtMilliseconds: Int64?
    public var stateSinceMilliseconds: Int64
    public var lastVerdict: VerdictSummary?
    public var resetCount: UInt32?
    public var restartCount: UInt32?
    public var bootID: String?
    public var agentVersion: String?

    public init(
        nodeID: NodeID, state: NodeState, lifecycle: NodeLifecycle, standing: NodeStanding, site: String?,
        group: String?, assetTag: String?, platform: PlatformIdentity, ekName: String, akName: String,
        ekTrust: String, tpmManufacturer: String?, tpmModel: String?, tpmFirmware: String?,
        enrolledAtMilliseconds: Int64, lastEvidenceAtMilliseconds: Int64?, stateSinceMilliseconds: Int64,
        lastVerdict: VerdictSummary?, resetCount: UInt32?, restartCount: UInt32?, bootID: String?,
        agentVersion: String?
    ) {
        self.nodeID = nodeID
        self.state = state
        self.lifecycle = lifecycle
        self.standing = standing
        self.site = site
        self.group = group
        self.assetTag = assetTag
        self.platform = platform
        self.ekName = ekName
        self.akName = akName
        self.ekTrust = ekTrust
        self.tpmManufacturer = tpmManufacturer
        self.tpmModel = tpmModel
        self.tpmFirmware = tpmFirmware
        self.enrolledAtMilliseconds = enrolledAtMilliseconds
        self.lastEvidenceAtMilliseconds = lastEvidenceAtMilliseconds
        self.stateSinceMilliseconds = stateSinceMilliseconds
        self.lastVerdict = lastVerdict
        self.resetCount = resetCount
        self.restartCount = restartCount
        self.bootID = bootID
        self.agentVersion = agentVersion
    }
}

public struct VerdictSummary: Hashable, Sendable, Codable {
    public var verdictID: String
    public var verdict: Verdict
    public var atMilliseconds: Int64
    public var firstBrokenLayer: String?
    /// Reason codes of the findings that made the verdict.
    public var reasons: [String]
    public var referenceSet: String?

    public init(
        verdictID: String, verdict: Verdict, atMilliseconds: Int64, firstBrokenLayer: String?, reasons: [String],
        referenceSet: String?
    ) {
        self.verdictID = verdictID
        self.verdict = verdict
        self.atMilliseconds = atMilliseconds
        self.firstBrokenLayer = firstBrokenLayer
        self.reasons = reasons
        self.referenceSet = referenceSet
    }
}

/// `GET /v1/nodes/{id}/verdicts/{verdict}`: the summary and the whole attestation result, the same JSON that
/// `bootgate appraise -o json` prints.
public struct VerdictDetail: Sendable, Codable {
    public var summary: VerdictSummary
    public var result: JSONValue
    public init(summary: VerdictSummary, result: JSONValue) {
        self.summary = summary
        self.result = result
    }
}

/// Acts on a node: `POST /v1/nodes/{id}/{act}`.
public enum NodeAct: String, Hashable, Sendable, Codable, CaseIterable {
    case approve, suspend, resume, revoke, clear, remove
    case replaceTPM = "replace-tpm"
    /// Asks for evidence at the node's next contact, whatever its interval.
    case attest
    /// Announces a reboot until a time, so that it is no `BOOT_UNEXPECTED`; without a time takes the announcement back.
    case expectReboot = "reboot-expected"
}

public struct NodeActRequest: Hashable, Sendable, Codable {
    public var reason: String
    /// `clear`: the verdict that is being cleared.
    public var verdictID: String?
    /// `replace-tpm`: the new EK as in a manifest entry. First call proposes, a second operator's call approves.
    public var replacement: ManifestEntry?
    /// `reboot-expected`: milliseconds since 1970 by the verifier's clock, at most 7 days ahead.
    public var untilMilliseconds: Int64?
    public init(
        reason: String, verdictID: String? = nil, replacement: ManifestEntry? = nil, untilMilliseconds: Int64? = nil
    ) {
        self.reason = reason
        self.verdictID = verdictID
        self.replacement = replacement
        self.untilMilliseconds = untilMilliseconds
    }
}
