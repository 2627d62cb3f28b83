internal import AttestationMessages

/// Moves staged activations on, or stops them.
enum RolloutWatch {
    static func check(_ references: ReferenceService) async throws {
        let store = references.store
        for rollout in try await store.read({ try $0.unfinishedRollouts() }) {
            guard rollout.status == .open else {
                _ = try await references.settle(rollout, rollout.endReason ?? "halted", .verifier)
                continue
            }
            guard try await store.read({ try RolloutDecision.of(rollout, $0) }) != .wait else { continue }
            // Decided again in the transaction that writes it: verdicts may have come meanwhile.
            let halted = try await store.write { tx -> RolloutRecord? in
                guard let now = try tx.openRollout(group: rollout.group), now.number == rollout.number else {
                    return nil
                }
                let decision = try RolloutDecision.of(now, tx)
                try RolloutSteps(initiator: .verifier).perform(decision, on: now, tx)
                if case .halt = decision { return now }
                return nil
            }
            if let halted { _ = try await references.settle(halted, "the staged activation halted", .verifier) }
        }
    }
}
