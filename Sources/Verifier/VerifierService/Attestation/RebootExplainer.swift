internal import AttestationMessages
internal import TPMCryptography
internal import TPMStructures

/// Says why a node's counters moved. Asked once for each change of counters, never for evidence of a boot that is known.
package protocol RebootExplaining: Sendable {
    /// - Parameters:
    ///   - resets: by how much the reset count rose, boots without evidence included.
    ///   - now: the verifier's clock, when the evidence arrived.
    /// - Returns: nil where this source explains nothing.
    func explanation(
        ofRebootOf node: NodeRecord, resets: UInt32, now: Int64, _ snapshot: any StoreSnapshot
    ) throws -> RebootExplanation?
}

/// The first of its sources that knows something: change plans where there are any, then announcements of operators, then
/// the verifier's own maintenance window.
struct RebootExplainer: Sendable {
    let plans: (any RebootExplaining)?
    let inMaintenanceWindow: Bool

    func explanation(
        ofRebootOf node: NodeRecord, resets: UInt32, now: Int64, _ snapshot: any StoreSnapshot
    ) throws -> RebootExplanation? {
        if let planned = try plans?.explanation(ofRebootOf: node, resets: resets, now: now, snapshot) {
            return planned
        }
        if let expected = try snapshot.expectedReboot(of: node.nodeID), now < expected.untilMilliseconds {
            return .announced(by: expected.announcedBy, reason: expected.reason)
        }
        return inMaintenanceWindow ? .announced(by: "verifier", reason: "the maintenance window is open") : nil
    }
}

extension EvidenceVerification {
    /// Whether the quote's counters are not the last ones of its AK; false on first contact.
    func movesCounters(_ state: AttestationStateRecord?) -> Bool {
        guard let quote, let last = state?.counters else { return false }
        return quote.clock.resetCount != last.resetCount || quote.clock.restartCount != last.restartCount
    }
}

extension StoreTransaction {
    /// Adds the row, unless the ledger's last one says the same: counters that went back are no new line to continue from,
    /// and every evidence of such a TPM shows the same step.
    func note(_ reboot: RebootRecord) throws {
        if let last = try reboots(of: reboot.nodeID, before: nil, limit: 1).first,
            last.resetCountBefore == reboot.before.resetCount, last.restartCountBefore == reboot.before.restartCount,
            last.resetCountAfter == reboot.after.resetCount, last.restartCountAfter == reboot.after.restartCount,
            reboot.movesCounters || last.bootIDAfter == reboot.bootIDAfter
        {
            return
        }
        try insert(reboot)
    }
}
