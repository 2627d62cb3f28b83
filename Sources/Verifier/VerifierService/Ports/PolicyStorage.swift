package import AssetFingerprints
package import AttestationMessages

package protocol PolicyReading {
    /// Raised by every write of a reference set, baseline or group setting: what was compiled from them under the same
    /// number is still right.
    func policyGeneration() throws -> Int64
    /// All versions of all sets, by name and version.
    func references() throws -> [ReferenceRecord]
    /// The given version, or the newest.
    func reference(_ name: String, version: Int?) throws -> ReferenceRecord?
    func activeReference(group: String) throws -> ReferenceRecord?
    /// Active sets whose end is not after `end` (milliseconds).
    func activeReferences(endingBy end: Int64) throws -> [ReferenceRecord]
    func groupsWithActiveReference() throws -> [String]
    /// Operators' signatures over one version, oldest first.
    func referenceSignatures(_ name: String, version: Int) throws -> [ReferenceSignatureRecord]
    /// Acts on the versions of one set, oldest first.
    func referenceHistory(_ name: String) throws -> [ReferenceHistoryEntry]
    /// The version that was made active last in the group and is retired without having been rolled back.
    func referenceBefore(group: String) throws -> ReferenceRecord?
    /// The active baseline; with `version`, that one whatever its status.
    func baseline(group: String, kind: FingerprintKind, version: Int?) throws -> BaselineRecord?
    func latestBaseline(group: String, kind: FingerprintKind) throws -> BaselineRecord?
    func settings(group: String) throws -> GroupSettingsRecord?
    /// The newest feed.
    func revocations() throws -> RevocationRecord?
}

package protocol PolicyWriting {
    /// Inserts a version, or updates status and names of one; the document of a stored version never changes.
    /// A second active set of one group is refused: retire the first in the same transaction.
    func save(_ reference: ReferenceRecord) throws
    /// Adds to the history, which only grows.
    func insert(_ entry: ReferenceHistoryEntry, group: String, keySHA256: String) throws
    /// Adds a signature; one for each act on a version, never changed.
    func insert(_ signature: ReferenceSignatureRecord) throws
    /// As for references: at most one active baseline for each group and kind.
    func save(_ baseline: BaselineRecord) throws
    func save(_ settings: GroupSettingsRecord) throws
    /// Adds a feed: the one that counts from here.
    func insert(_ revocations: RevocationRecord) throws
}
