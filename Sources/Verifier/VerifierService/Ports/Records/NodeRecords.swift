package import AttestationMessages

/// A node's membership: one row, written by enrollment, by operators' acts and by a verdict that changes the standing.
package struct NodeRecord: Hashable, Sendable {
    package var nodeID: NodeID
    package var lifecycle: NodeLifecycle
    package var standing: NodeStanding
    /// The verdict that made the standing `failed`; what `node clear` must name.
    package var failedVerdictID: String?
    package var site: String?
    /// Names the group whose settings, reference set and baselines hold; `default` where nobody set one.
    package var group: String
    package var assetTag: String?
    package var platform: PlatformIdentity
    /// The active ``IdentityRecord``.
    package var identityID: Int64
    package var enrolledAtMilliseconds: Int64
    /// A pending node that nobody approved by then is removed.
    package var pendingUntilMilliseconds: Int64?
    /// `ID_EK_NOT_IN_INVENTORY`, `ID_AK_CHANGED`: what an approval approves.
    package var pendingReason: String?
    /// Remote address of the enrollment.
    package var source: String
    /// When the shown state last changed.
    package var stateSinceMilliseconds: Int64
    /// The state that was last announced to the SIEM.
    package var shownState: NodeState
    /// Set by `node attest`: the next reply asks for evidence at once.
    package var attestRequested: Bool
    /// Raised by the store at every save of this row.
    package var version: Int64

    package init(
        nodeID: NodeID, lifecycle: NodeLifecycle, standing: NodeStanding, failedVerdictID: String?, site: String?,
        group: String, assetTag: String?, platform: PlatformIdentity, identityID: Int64, enrolledAtMilliseconds: Int64,
        pendingUntilMilliseconds: Int64?, pendingReason: String?, source: String, stateSinceMilliseconds: Int64,
        shownState: NodeState, attestRequested: Bool, version: Int64
    ) {
        self.nodeID = nodeID
        self.lifecycle = lifecycle
        self.standing = standing
        self.failedVerdictID = failedVerdictID
        self.site = site
        self.group = group
        self.assetTag = assetTag
        self.platform = platform
        self.identityID = identityID
        self.enrolledAtMilliseconds = enrolledAtMilliseconds
        self.pendingUntilMilliseconds = pendingUntilMilliseconds
        self.pendingReason = pendingReason
        self.source = source
        self.stateSinceMilliseconds = stateSinceMilliseconds
        self.shownState = shownState
        self.attestRequested = attestRequested
        self.version = version
    }
}

package enum IdentityStatus: String, Hashable, Sendable, CaseIterable { case active, retired }

/// Who vouches for the EK; shown in layer 1.
package enum EKTrust: String, Hashable, Sendable, CaseIterable {
    /// An EK certificate chains to a TPM root that the operator trusts.
    case certified
    /// No certificate; the factory manifest names this EK.
    case manifestVouched = "manifest-vouched"
    /// No certificate; an operator approved this EK by hand.
    case inventoryVouched = "inventory-vouched"
}

/// The keys of one TPM under one node id. Write-once: only ``status`` and ``retiredAtMilliseconds`` ever change.
package struct IdentityRecord: Hashable, Sendable {
    /// 0 until the store gave it a number.
    package var identityID: Int64
    package var nodeID: NodeID
    package var status: IdentityStatus
    package var ekName: [UInt8]
    /// TPMT_PUBLIC.
    package var ekPublic: [UInt8]
    package var ekSPKISHA256: [UInt8]
    /// DER, the EK's own first.
    package var ekCertificates: [[UInt8]]
    package var ekTrust: EKTrust
    package var tpmManufacturer: String?
    package var tpmModel: String?
    package var tpmFirmware: String?
    package var akName: [UInt8]
    /// TPMT_PUBLIC, the very bytes whose name MakeCredential used (ID-03).
    package var akPublic: [UInt8]
    /// Qualified name seen in the certification of the node key; quotes must show the same signer (QF-16).
    package var akQualifiedName: [UInt8]
    /// DER SubjectPublicKeyInfo.
    package var nodeKeySPKI: [UInt8]
    package var createdAtMilliseconds: Int64
    package var retiredAtMilliseconds: Int64?

    package init(
        identityID: Int64, nodeID: NodeID, status: IdentityStatus, ekName: [UInt8], ekPublic: [UInt8],
        ekSPKISHA256: [UInt8], ekCertificates: [[UInt8]], ekTrust: EKTrust, tpmManufacturer: String?, tpmModel: String?,
        tpmFirmware: String?, akName: [UInt8], akPublic: [UInt8], akQualifiedName: [UInt8], nodeKeySPKI: [UInt8],
        createdAtMilliseconds: Int64, retiredAtMilliseconds: Int64?
    ) {
        self.identityID = identityID
        self.nodeID = nodeID
        self.status = status
        self.ekName = ekName
        self.ekPublic = ekPublic
        self.ekSPKISHA256 = ekSPKISHA256
        self.ekCertificates = ekCertificates
        self.ekTrust = ekTrust
        self.tpmManufacturer = tpmManufacturer
        self.tpmModel = tpmModel
        self.tpmFirmware = tpmFirmware
        self.akName = akName
        self.akPublic = akPublic
        self.akQualifiedName = akQualifiedName
        self.nodeKeySPKI = nodeKeySPKI
        self.createdAtMilliseconds = createdAtMilliseconds
        self.retiredAtMilliseconds = retiredAtMilliseconds
    }
}

/// One line of the factory manifest. Of a token only a salted hash is kept.
package struct ManifestRecord: Hashable, Sendable {
    package var nodeID: NodeID
    /// Exactly one of: `ekName`; `ekSPKISHA256` alone; `ekIssuer` + `ekSerial` + `ekSPKISHA256`.
    package var ekName: [UInt8]?
    package var ekSPKISHA256: [UInt8]?
    package var ekIssuer: String?
    package var ekSerial: String?
    package var assetTag: String?
    package var site: String?
    package var group: String?
    package var tokenSalt: [UInt8]?
    /// SHA-256(salt ‖ token), see ``ManifestToken``.
    package var tokenHash: [UInt8]?
    package var tokenUsedAtMilliseconds: Int64?
    package var addedBy: String
    package var addedAtMilliseconds: Int64

    package init(
        nodeID: NodeID, ekName: [UInt8]?, ekSPKISHA256: [UInt8]?, ekIssuer: String?, ekSerial: String?,
        assetTag: String?, site: String?, group: String?, tokenSalt: [UInt8]?, tokenHash: [UInt8]?,
        tokenUsedAtMilliseconds: Int64?, addedBy: String, addedAtMilliseconds: Int64
    ) {
        self.nodeID = nodeID
        self.ekName = ekName
        self.ekSPKISHA256 = ekSPKISHA256
        self.ekIssuer = ekIssuer
        self.ekSerial = ekSerial
        self.assetTag = assetTag
        self.site = site
        self.group = group
        self.tokenSalt = tokenSalt
        self.tokenHash = tokenHash
        self.tokenUsedAtMilliseconds = tokenUsedAtMilliseconds
        self.addedBy = addedBy
        self.addedAtMilliseconds = addedAtMilliseconds
    }
}

/// A fail that nobody cleared. Outlives the node's row: it follows the EK and the node id (AD-12).
package struct StickyFail: Hashable, Sendable {
    package var nodeID: NodeID
    package var ekName: [UInt8]
    package var verdictID: String
    package var atMilliseconds: Int64

    package init(nodeID: NodeID, ekName: [UInt8], verdictID: String, atMilliseconds: Int64) {
        self.nodeID = nodeID
        self.ekName = ekName
        self.verdictID = verdictID
        self.atMilliseconds = atMilliseconds
    }
}

/// Something that needs a second person: `replace-tpm`, a bulk clear.
package struct ProposalRecord: Hashable, Sendable {
    /// `replace-tpm`, …; one open proposal for each kind and subject.
    package var kind: String
    package var subject: String
    package var document: [UInt8]
    package var reason: String
    package var proposedBy: String
    /// Nobody approves their own proposal, under any name of the same key (RV-03).
    package var proposedByKeySHA256: String
    package var atMilliseconds: Int64

    package init(
        kind: String, subject: String, document: [UInt8], reason: String, proposedBy: String,
        proposedByKeySHA256: String, atMilliseconds: Int64
    ) {
        self.kind = kind
        self.subject = subject
        self.document = document
        self.reason = reason
        self.proposedBy = proposedBy
        self.proposedByKeySHA256 = proposedByKeySHA256
        self.atMilliseconds = atMilliseconds
    }
}
