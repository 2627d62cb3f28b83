/// What is stored of a node's membership (architecture, "Verdicts, node states, admission").
public enum NodeLifecycle: String, Hashable, Sendable, Codable, CaseIterable {
    case pending, enrolled, suspended, revoked
}

/// What is stored of a node's evidence so far. `failed` is sticky until `node clear`.
public enum NodeStanding: String, Hashable, Sendable, Codable, CaseIterable {
    case unproven, good, failed
}

/// What is shown: revoked > suspended > pending > untrusted > stale > trusted; unproven shows as pending.
public enum NodeState: String, Hashable, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    case pending, trusted, untrusted, stale, suspended, revoked
}

/// The outcome of one appraisal.
public enum Verdict: String, Hashable, Sendable, Codable, CaseIterable {
    case pass, fail, error
}

public enum AdmissionDecision: String, Hashable, Sendable, Codable, CaseIterable {
    case admit, deny
}
