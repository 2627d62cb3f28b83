package import AssetFingerprints

/// Collects one kind of asset fingerprint on this node.
package protocol FingerprintCollecting: Sendable {
    /// - Returns: The report's canonical bytes.
    func collect(_ kind: FingerprintKind) async throws -> [UInt8]
}

/// A report as it was collected: these bytes are hashed into the quote and uploaded, never a later collection's.
struct FingerprintReport: Sendable {
    var bytes: [UInt8]
    var collectedAt: AgentTime
}

/// Keeps the last report of each kind and says which are due.
struct FingerprintCache: Sendable {
    private(set) var reports: [FingerprintKind: FingerprintReport] = [:]

    /// Kinds whose last report is older than the pushed interval, in a fixed order. A kind without an interval is not
    /// wanted and forgotten.
    mutating func due(_ intervals: [FingerprintKind: Int], now: AgentTime) -> [FingerprintKind] {
        for kind in reports.keys where intervals[kind] == nil { reports[kind] = nil }
        return FingerprintKind.allCases.filter { kind in
            guard let seconds = intervals[kind] else { return false }
            guard let report = reports[kind] else { return true }
            return now.monotonic - report.collectedAt.monotonic >= Int64(seconds) * 1000
        }
    }

    mutating func store(_ bytes: [UInt8], _ kind: FingerprintKind, at time: AgentTime) {
        reports[kind] = FingerprintReport(bytes: bytes, collectedAt: time)
    }
}
