internal import AttestationMessages

/// What becomes of a stage; made of values only.
package enum RolloutDecision: Hashable {
    case wait
    case advance
    case complete
    case halt(String)

    /// - Parameter isActivatable: whether the set may still become the active one.
    package init(_ rollout: RolloutRecord, _ counts: RolloutCounts, isActivatable: Bool, now: Int64) {
        let failing = counts.newlyFailing
        let isOverLimit =
            rollout.stage == 0 ? failing > 0 : failing * 100 > RolloutRecord.failingPercent * counts.canaries
        if isOverLimit {
            self = .halt("\(failing) of \(counts.canaries) canaries at \(rollout.percent) % lose their pass")
        } else if !isActivatable {
            self = .halt("\(rollout.referenceSet) can no longer be activated")
        } else if counts.judged > 0, counts.judged * 100 >= RolloutRecord.judgedPercent * counts.canaries,
            now - rollout.stageSinceMilliseconds >= rollout.dwellMilliseconds
        {
            self = rollout.stage + 1 < RolloutRecord.stages.count ? .advance : .complete
        } else {
            self = .wait
        }
    }

    static func of(_ rollout: RolloutRecord, _ snapshot: any StoreSnapshot) throws -> RolloutDecision {
        let set = try ReferenceService.existing(rollout.referenceName, rollout.referenceVersion, snapshot)
        let isActivatable: Bool
        do {
            try ReferenceService.demandActivatable(set, snapshot)
            isActivatable = true
        } catch let error as ServiceError where error.kind == .conflict || error.kind == .forbidden {
            isActivatable = false
        }
        return RolloutDecision(
            rollout, try snapshot.rolloutCounts(rollout), isActivatable: isActivatable, now: snapshot.now)
    }
}
