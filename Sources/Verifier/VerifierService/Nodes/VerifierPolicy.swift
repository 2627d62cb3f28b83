internal import AssetFingerprints
package import AttestationMessages
package import TPMStructures

/// What holds for the whole verifier. Lives and ages in milliseconds unless the name says otherwise.
package struct VerifierPolicy: Hashable, Sendable {
    package var enrollmentChallengeLife: Int64 = 60_000
    package var enrollmentTries = 3
    /// A node that nobody approved by then is forgotten.
    package var pendingLife: Int64 = 24 * 3_600_000
    package var pendingNodesPerSource = 64
    /// The shortest and the longest time in seconds after which a node that waits for approval asks again.
    package var pendingRetry = 5...60
    package var challengeLife: Int64 = 60_000
    package var uploadLife: Int64 = 15 * 60_000
    /// Added to two intervals before evidence is stale.
    package var staleGrace: Int64 = 60_000
    /// Banks that a challenge names, so that an unallocated one shows in the signed bitmaps.
    package var challengedBanks: Set<PCRBank> = [.sha1, .sha256, .sha384, .sha512]
    /// PCR 10 moves with every file that IMA measures: it is added where references judge the measurement list. 16 to 23
    /// are never judged.
    package var challengedPCRs = PCRSet((0...15).filter { $0 != 10 }.compactMap { PCRIndex($0) })
    package var maxEventLogSize = 16 << 20
    /// Of one boot; 100,000 entries are about 12 MiB.
    package var maxMeasurementListSize = 64 << 20
    package var maxFingerprintSize = 4 << 20
    package var maxUploadChunk = 4 << 20
    /// Firmware versions of TPMs that are refused (QF-24).
    package var deniedTPMFirmware: Set<UInt64> = []
    /// Whether reboots are expected now: BOOT_UNEXPECTED is not raised.
    package var inMaintenanceWindow = false
    /// A revocation feed whose date is older raises an alarm each day.
    package var maxRevocationAge: Int64 = 90 * 86_400_000
    /// Whether reference sets must be signed by those who proposed and approved them (RV-06).
    package var referenceSignatures = ReferenceSignatureRule.optional
    /// Whose certificates operators sign with; the only part that changes while the verifier runs.
    package var operatorTrust = OperatorTrust()
    /// What holds for a group without settings of its own.
    package var defaultSettings = GroupSettings(
        fingerprintIntervals: [
            .listeningPorts: 300, .softwareAssets: 3600, .runningProcesses: 300, .accounts: 3600,
        ],
        attestationIntervalSeconds: 300, requiredLayers: [], warningPassesIn: [], fingerprintDifference: "warn")

    package static let defaultGroup = "default"

    package init() {}

    /// Evidence older than this is stale: two intervals and the grace.
    package func maxEvidenceAge(_ settings: GroupSettings) -> Int64 {
        2 * 1000 * Int64(settings.attestationIntervalSeconds) + staleGrace
    }

    /// The settings of a node's group, else those of the group `default`, else the built-in ones.
    package func settings(of group: String, in snapshot: any StoreSnapshot) throws -> GroupSettings {
        try snapshot.settings(group: group)?.settings
            ?? snapshot.settings(group: Self.defaultGroup)?.settings ?? defaultSettings
    }
}

extension VerifierPolicy {
    /// After how many seconds a node that waits for approval asks again: as long as it waits already, so that each pause is
    /// about twice the one before. Who stands beside a new machine sees it join seconds after the approval; a fleet that nobody
    /// approves comes down to one call a minute and node within two minutes. Agents add up to a quarter by chance.
    ///
    /// - Parameter since: when the node began to wait, by the store's clock, as `now`; in milliseconds.
    package func pendingRetrySeconds(since: Int64, now: Int64) -> Int {
        let waited = Int(clamping: max(0, now.subtractingReportingOverflow(since).partialValue) / 1000)
        return min(max(waited, pendingRetry.lowerBound), pendingRetry.upperBound)
    }
}
