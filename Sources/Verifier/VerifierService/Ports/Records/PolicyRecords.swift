package import AssetFingerprints
package import AttestationMessages

/// One version of a reference set. The document's bytes never change; only the status and who did what.
package struct ReferenceRecord: Hashable, Sendable {
    package var name: String
    package var version: Int
    package var status: ReferenceStatus
    package var group: String
    package var document: [UInt8]
    /// SHA-256 of `document`.
    package var documentSHA256: [UInt8]
    package var layers: [String]
    package var createdBy: String
    package var proposedBy: String?
    package var proposedByKeySHA256: String?
    package var approvedBy: String?
    package var approvedByKeySHA256: String?
    package var labMode: Bool
    package var note: String?
    package var createdAtMilliseconds: Int64
    package var validUntilMilliseconds: Int64?

    package init(
        name: String, version: Int, status: ReferenceStatus, group: String, document: [UInt8], documentSHA256: [UInt8],
        layers: [String], createdBy: String, proposedBy: String?, proposedByKeySHA256: String?, approvedBy: String?,
        approvedByKeySHA256: String?, labMode: Bool, note: String?, createdAtMilliseconds: Int64,
        validUntilMilliseconds: Int64?
    ) {
        self.name = name
        self.version = version
        self.status = status
        self.group = group
        self.document = document
        self.documentSHA256 = documentSHA256
        self.layers = layers
        self.createdBy = createdBy
        self.proposedBy = proposedBy
        self.proposedByKeySHA256 = proposedByKeySHA256
        self.approvedBy = approvedBy
        self.approvedByKeySHA256 = approvedByKeySHA256
        self.labMode = labMode
        self.note = note
        self.createdAtMilliseconds = createdAtMilliseconds
        self.validUntilMilliseconds = validUntilMilliseconds
    }
}

/// One version of a group's fingerprint baseline for one kind.
package struct BaselineRecord: Hashable, Sendable {
    package var group: String
    package var kind: FingerprintKind
    package var version: Int
    package var status: ReferenceStatus
    package var document: [UInt8]
    package var documentSHA256: [UInt8]
    package var proposedBy: String
    package var proposedByKeySHA256: String
    package var approvedBy: String?
    package var labMode: Bool
    package var createdAtMilliseconds: Int64

    package init(
        group: String, kind: FingerprintKind, version: Int, status: ReferenceStatus, document: [UInt8],
        documentSHA256: [UInt8], proposedBy: String, proposedByKeySHA256: String, approvedBy: String?, labMode: Bool,
        createdAtMilliseconds: Int64
    ) {
        self.group = group
        self.kind = kind
        self.version = version
        self.status = status
        self.document = document
        self.documentSHA256 = documentSHA256
        self.proposedBy = proposedBy
        self.proposedByKeySHA256 = proposedByKeySHA256
        self.approvedBy = approvedBy
        self.labMode = labMode
        self.createdAtMilliseconds = createdAtMilliseconds
    }
}

package struct GroupSettingsRecord: Hashable, Sendable {
    package var group: String
    package var settings: GroupSettings
    package var changedBy: String
    package var changedAtMilliseconds: Int64

    package init(group: String, settings: GroupSettings, changedBy: String, changedAtMilliseconds: Int64) {
        self.group = group
        self.settings = settings
        self.changedBy = changedBy
        self.changedAtMilliseconds = changedAtMilliseconds
    }
}

/// An imported revocation feed; write-once.
package struct RevocationRecord: Hashable, Sendable {
    /// `bootgate-revocations/v1`.
    package var document: [UInt8]
    package var documentSHA256: [UInt8]
    /// The feed's own date.
    package var dateMilliseconds: Int64
    package var reason: String
    package var importedBy: String
    package var importedAtMilliseconds: Int64

    package init(
        document: [UInt8], documentSHA256: [UInt8], dateMilliseconds: Int64, reason: String, importedBy: String,
        importedAtMilliseconds: Int64
    ) {
        self.document = document
        self.documentSHA256 = documentSHA256
        self.dateMilliseconds = dateMilliseconds
        self.reason = reason
        self.importedBy = importedBy
        self.importedAtMilliseconds = importedAtMilliseconds
    }
}
