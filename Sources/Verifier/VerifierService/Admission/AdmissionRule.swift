package import AttestationMessages

/// Whether a node may be on the network, from one snapshot of what is stored. Pure; everything unknown is deny.
package struct AdmissionRule: Hashable, Sendable {
    package var decision: AdmissionDecision
    package var reason: String?
    /// End of the evidence's age, or of the override, milliseconds since 1970; with admit only.
    package var validUntil: Int64?

    /// - Parameters:
    ///   - lastPass: the verdict of the last pass; its counters must still be the AK's latest.
    ///   - maxAge: two intervals and the grace.
    ///   - override: one that holds for the node now (``OverrideRule``).
    package init(
        node: NodeRecord?, evidence: AttestationStateRecord?, lastPass: VerdictRecord?, maxAge: Int64, now: Int64,
        override: OverrideRecord? = nil
    ) {
        decision = .deny
        guard let node else {
            reason = "ADM_UNKNOWN"
            return
        }
        // It stands in for evidence, never for an identity or against an operator's decision.
        if let override, node.lifecycle == .enrolled {
            // Said even where the evidence would admit: whoever reads the answer sees that persons vouch for it.
            decision = .admit
            reason = "ADM_OVERRIDE"
            validUntil = override.untilMilliseconds
            return
        }
        switch (node.lifecycle, node.standing) {
        case (.revoked, _): reason = "ID_NODE_REVOKED"
        case (.suspended, _): reason = "ADM_SUSPENDED"
        case (.pending, _): reason = "ADM_PENDING"
        case (.enrolled, .failed): reason = "ADM_STICKY_FAIL"
        case (.enrolled, .unproven): reason = "ADM_PENDING"
        case (.enrolled, .good):
            guard let issued = evidence?.lastPassIssuedAtMilliseconds, let lastPass, lastPass.verdict == .pass,
                let counters = evidence?.counters
            else {
                reason = "ADM_PENDING"
                return
            }
            guard now >= issued, now - issued <= maxAge else {
                reason = "ADM_STALE"
                return
            }
            guard counters.resetCount == lastPass.resetCount, counters.restartCount == lastPass.restartCount else {
                reason = "ADM_BOOT_CHANGED"
                return
            }
            decision = .admit
            validUntil = issued + maxAge
        }
    }
}
