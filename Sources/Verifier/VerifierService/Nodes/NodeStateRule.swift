package import AttestationMessages

/// What is shown of a node, from what is stored of it (architecture, "Verdicts, node states, admission"). Pure.
package enum NodeStateRule {
    /// - Parameters:
    ///   - lastPassIssuedAt: issue time of the nonce of the last pass; nil when there was none.
    ///   - maxAge: two intervals and the grace.
    package static func state(
        lifecycle: NodeLifecycle, standing: NodeStanding, lastPassIssuedAt: Int64?, maxAge: Int64, now: Int64
    ) -> NodeState {
        switch (lifecycle, standing) {
        case (.revoked, _): .revoked
        case (.suspended, _): .suspended
        case (.pending, _): .pending
        case (.enrolled, .failed): .untrusted
        case (.enrolled, .unproven): .pending
        case (.enrolled, .good):
            if let lastPassIssuedAt, now - lastPassIssuedAt <= maxAge { .trusted } else { .stale }
        }
    }

    package static func state(
        _ node: NodeRecord, _ evidence: AttestationStateRecord?, maxAge: Int64, now: Int64
    ) -> NodeState {
        state(
            lifecycle: node.lifecycle, standing: node.standing,
            lastPassIssuedAt: evidence?.lastPassIssuedAtMilliseconds, maxAge: maxAge, now: now)
    }
}
